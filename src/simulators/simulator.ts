import {
  formatHubAddress,
  parseHubAddress,
  type ConnectionOptions,
  type Device,
  type DeviceState,
} from '../device/index.ts';
import type { SimulatorLanguage } from './framed-words.ts';

/** How a virtual device is made: where its hub is, and what it is called there. */
export type SimulatorOptions = Omit<ConnectionOptions, 'protocol' | 'onState'> & {
  /** 1 (the default) or 2. */
  readonly protocol?: 1 | 2;
  /** Version 2: its id at the hub; one with a random end when absent. */
  readonly id?: string;
  /** Instead of what devices of its kind are called. */
  readonly title?: string;
  /** Version 2: what it describes itself in; English when absent. */
  readonly language?: SimulatorLanguage;
  readonly isOn?: boolean;
};

/** The state of a connection; `no-id`: the hub hung up before it gave an id, as hubs of version 1 do with strangers. */
type SimulatorState = Omit<DeviceState, 'reason'> & {
  readonly reason: DeviceState['reason'] | 'no-id';
};

/** How the library ends its message about a hub that hangs up before it gives an id. */
const NO_ID = 'closed the connection without giving an id.';

type PowerResult = 'turned-on' | 'already-on' | 'turned-off' | 'already-off';

/** What devices of version 1 answer. */
export const POWER_WORDS: Readonly<Record<PowerResult, string>> = {
  'turned-on': 'Dispositivo ligado',
  'already-on': 'Dispositivo já está ligado',
  'turned-off': 'Dispositivo desligado',
  'already-off': 'Dispositivo já está desligado',
};

/**
 * What the two virtual devices have in common: a connection that people start and stop, a switch that is off at first,
 * and watchers.
 */
export abstract class Simulator {
  abstract readonly kind: 'sensor' | 'radio';
  protected abstract readonly device: Device;
  readonly #watchers = new Set<() => void>();
  #isOn: boolean;

  constructor({ isOn = false }: { readonly isOn?: boolean | undefined }) {
    this.#isOn = isOn;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  turnOn(): PowerResult {
    return this.#turn(true) ? 'turned-on' : 'already-on';
  }

  turnOff(): PowerResult {
    return this.#turn(false) ? 'turned-off' : 'already-off';
  }

  /** Its id at the hub; undefined before the hub gave one. */
  get id(): string | undefined {
    return this.device.id;
  }

  get state(): SimulatorState {
    const { state } = this.device;
    if (state.reason !== 'connect-failed' || !state.message.endsWith(NO_ID)) return state;
    const message = `${state.message} Is this machine in the hub's trustedNetworks?`;
    return { ...state, reason: 'no-id', message };
  }

  /** `host:port` of the hub. */
  get server(): string {
    return formatHubAddress(this.device.hub);
  }

  /** Connects, and reconnects until `disconnect`. False, and nothing changes, when `address` is no address. */
  connect(address?: string): boolean {
    if (address !== undefined && parseHubAddress(address) === undefined) return false;
    void this.device.start(address === undefined ? {} : { hub: address });
    return true;
  }

  async disconnect(): Promise<void> {
    await this.device.stop();
  }

  /** Calls after each change of the connection or of the device, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Tells that it was turned on or off; plain devices have no words for that. */
  protected onSwitched(): void {
    if (this.device.protocol === 2) this.device.emit('switched', { on: this.#isOn });
  }

  #turn(isOn: boolean): boolean {
    if (this.#isOn === isOn) return false;
    this.#isOn = isOn;
    this.onSwitched();
    this.notify();
    return true;
  }

  protected readonly notify = (): void => {
    for (const watcher of this.#watchers) watcher();
  };
}

/** The data of the event `switched`. */
export const SWITCHED_DATA = {
  type: 'object',
  properties: { on: { type: 'boolean' } },
  required: ['on'],
  additionalProperties: false,
} as const;

/** An id of version 2 for a device that was given none: two of them on one hub would take each other's place. */
export function randomId(kind: string, random: () => number = Math.random): string {
  return `${kind}-${Math.floor(random() * 36 ** 4)
    .toString(36)
    .padStart(4, '0')}`;
}
