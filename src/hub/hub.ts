import { randomBytes } from 'node:crypto';
import type { Accounts } from '../accounts/accounts.ts';
import { Alarms } from '../base/alarms.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import type { Issue } from '../base/errors.ts';
import { costOf, KeptKind } from '../base/kept-kinds.ts';
import { OWN_PARTY, type Ledger } from '../base/ledger.ts';
import { LogBudget } from '../base/log-budget.ts';
import type { Logger } from '../base/logger.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import type { Command } from '../devices/command.ts';
import type { Device } from '../devices/device.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { EventFeed } from '../devices/events.ts';
import type { Failure } from '../devices/failure.ts';
import { Invocation } from '../devices/invocation.ts';
import type { Gateway, ListeningAddress } from '../gateways/gateway.ts';
import type { Broker } from '../mqtt/broker/broker.ts';
import { measureInput, type InputLimits } from './measure-input.ts';
import type { HubStores } from './hub-stores.ts';
import type { MqttServer } from './mqtt/mqtt-server.ts';
import type { HubServices } from './services/hub-services.ts';
import { validateInput } from './validate-input.ts';

export type InvokeOptions = {
  readonly input?: unknown;
  /** How long to wait for the answer, in ms; else the command's `expectedMs` three times, else the default. */
  readonly timeoutMs?: number | undefined;
  /** Aborts when the caller leaves: the invocation ends as cancelled. */
  readonly signal?: AbortSignal;
  /** Who asks: callers take turns in a device's queue. */
  readonly caller?: string;
};

/** Why a command was not carried out; with the invocation, unless there was nothing to invoke. */
export type InvokeFailure = Failure & { readonly invocation?: Invocation };

type HubParts = {
  readonly accounts: Accounts;
  readonly ledger: Ledger;
  readonly feed: EventFeed;
  readonly devices: DeviceRegistry;
  readonly gateways: readonly Gateway[];
  readonly mqtt?: MqttServer | undefined;
  readonly services?: HubServices | undefined;
  readonly stores?: HubStores | undefined;
  readonly invocations: InputLimits & { readonly defaultTimeoutMs: number; readonly maxTimeoutMs: number };
  readonly log: Logger;
  readonly clock?: Clock;
};

/** Devices and their gateways, and the MQTT broker. The one way to a device for every face: `invoke`. */
export class Hub {
  /** What peers make it keep. */
  readonly ledger: Ledger;
  /** What happens at devices, for every face that tells it. */
  readonly feed: EventFeed;
  /** Who may do what. */
  readonly accounts: Accounts;
  readonly devices: DeviceRegistry;
  readonly gateways: readonly Gateway[];
  /** Undefined when the hub is no MQTT broker. */
  readonly mqtt: MqttServer | undefined;
  /** Undefined when the hub has no services. */
  readonly services: HubServices | undefined;
  /** Undefined when the hub keeps everything in memory. */
  readonly stores: HubStores | undefined;
  /** Connections that did not get as far as the face that they were for, by its listener, and by reason. */
  readonly refusals = new Map<string, Readonly<Record<string, number>>>();
  readonly #invocations: HubParts['invocations'];
  readonly #alarms: Alarms;
  /** Makes invocation ids unique across restarts. */
  readonly #idPrefix: string;
  readonly #log: Logger;
  readonly #logBudget: LogBudget;
  /** Of ids; from a number of ten digits on, so that ids sort in the order of their making. */
  #lastNumber = 1_000_000_000;
  #isStopping = false;

  constructor(parts: HubParts) {
    this.ledger = parts.ledger;
    this.feed = parts.feed;
    this.accounts = parts.accounts;
    this.devices = parts.devices;
    this.gateways = parts.gateways;
    this.mqtt = parts.mqtt;
    this.services = parts.services;
    this.stores = parts.stores;
    this.#invocations = parts.invocations;
    this.#alarms = new Alarms(parts.clock ?? systemClock);
    this.#idPrefix = `${this.#alarms.clock.now().toString(36)}${randomBytes(4).toString('hex')}`;
    this.#log = parts.log;
    this.#logBudget = new LogBudget(this.#alarms.clock, parts.log);
    this.devices.observe((device, presence) => {
      this.#logBudget.write(
        'devices that came and went',
        { device: device.id, gateway: device.gateway, status: presence.status, reason: presence.reason },
        `device ${device.id} is ${presence.status}: ${presence.reason}`,
        device.id,
      );
    });
  }

  /** Begins to listen everywhere. When one part cannot, the others are stopped again and its error is thrown. */
  async start(): Promise<readonly ListeningAddress[]> {
    await this.stores?.start();
    const listening: ListeningAddress[] = [];
    const parts = this.#parts;
    for (const [index, part] of parts.entries()) {
      try {
        listening.push(...(await part.start()));
      } catch (error) {
        await Promise.all(parts.slice(0, index).map((started) => started.stop()));
        await this.stores?.stop();
        throw error;
      }
    }
    return listening;
  }

  /** The MQTT broker in this process; undefined when the hub is none. */
  get broker(): Broker | undefined {
    return this.mqtt?.broker;
  }

  /** Lines of its log that did not get as far as a reader or a disk; 0 where the log does not count them. */
  get lostLogLines(): number {
    return this.#log.lost?.() ?? 0;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#parts.map((part) => part.stop()));
    await this.stores?.stop();
    this.#logBudget.close();
  }

  /**
   * Invokes a command and waits for its end. Never rejects: the invocation that completed, with its output, or what
   * went wrong.
   *
   * @param command - its name; or a command of the caller's own making, for devices that judge numbers themselves
   */
  invoke(
    deviceId: string,
    command: string | Command,
    options: InvokeOptions = {},
  ): Promise<Result<Invocation, InvokeFailure>> {
    const begun = this.begin(deviceId, command, options);
    if (!begun.ok) return Promise.resolve(begun);
    const { signal } = options;
    const leave = (): void => this.cancel(begun.value);
    if (signal?.aborted === true) leave();
    else signal?.addEventListener('abort', leave, { once: true });
    return new Promise((resolve) => {
      begun.value.whenDone((invocation) => {
        signal?.removeEventListener('abort', leave);
        resolve(readEnd(invocation));
      });
    });
  }

  /** Like `invoke`, without waiting: the caller follows the invocation itself, with `whenDone` and `cancel`. */
  begin(
    deviceId: string,
    command: string | Command,
    options: InvokeOptions = {},
  ): Result<Invocation, Failure> {
    const device = this.devices.get(deviceId);
    if (device === undefined) return refused('DEVICE_UNKNOWN', `There is no device ${deviceId}.`);
    const known = typeof command === 'string' ? device.command(command) : command;
    if (known === undefined) return unknownCommand(device, command as string);
    const issues = this.#checkInput(known, options.input);
    if (issues.length > 0) {
      const message = `The input of ${known.name} does not fit: ${issues.map((issue) => `${issue.pointer || 'it'} ${issue.message}`).join('; ')}.`;
      return fail({ code: 'INPUT_INVALID', message, issues });
    }
    if (this.#isStopping) return refused('HUB_STOPPING', 'The hub is shutting down.');
    if (!device.isOnline) {
      const message = `Device ${deviceId} is offline since ${new Date(device.presence.since).toISOString()} (${device.presence.reason}).`;
      return fail({ code: 'DEVICE_OFFLINE', message, retryAfterSeconds: 5 });
    }
    const { maxTimeoutMs } = this.#invocations;
    if (options.timeoutMs !== undefined && options.timeoutMs > maxTimeoutMs) {
      const issues = [
        { pointer: '/timeoutMs', message: `must be at most ${maxTimeoutMs} (invocations.maxTimeoutMs)` },
      ];
      const message = `timeoutMs is ${options.timeoutMs}, and may be at most ${maxTimeoutMs}.`;
      return fail({ code: 'REQUEST_INVALID', message, issues });
    }
    const inputText = options.input === undefined ? undefined : JSON.stringify(options.input);
    const keptBytes = costOf(KeptKind.INVOCATION, inputText?.length ?? 0);
    const party = this.ledger.open(options.caller ?? OWN_PARTY);
    const hasRoom = party.admit(KeptKind.INVOCATION, keptBytes);
    party.close();
    if (!hasRoom) {
      const message = 'The hub keeps as many invocations as it may. Try again when some have ended.';
      return fail({ code: 'TOO_MANY_INVOCATIONS', message, retryAfterSeconds: 1 });
    }
    const invocation = new Invocation({
      id: `${this.#idPrefix}${++this.#lastNumber}`,
      deviceId,
      command: known,
      inputText,
      timeoutMs: this.#timeoutMs(known, options.timeoutMs),
      caller: options.caller ?? '',
      alarms: this.#alarms,
      kept: { party, bytes: keptBytes },
    });
    device.lane.enter(invocation);
    return succeed(invocation);
  }

  /** The caller leaves: nobody gets the answer, and the device is told where its protocol allows. */
  cancel(invocation: Invocation): void {
    this.devices.get(invocation.deviceId)?.lane.giveUp(invocation, 'cancelled');
  }

  /** In the order of their start: who comes in is looked up among the accounts, and services need the broker. */
  get #parts(): readonly (Accounts | Gateway | MqttServer | HubServices)[] {
    return [this.accounts, ...this.gateways, this.mqtt, this.services].filter((part) => part !== undefined);
  }

  #checkInput(command: Command, input: unknown): readonly Issue[] {
    const tooLarge = measureInput(input, this.#invocations);
    return tooLarge === undefined ? validateInput(command, input) : [tooLarge];
  }

  #timeoutMs(command: Command, asked: number | undefined): number {
    const { defaultTimeoutMs, maxTimeoutMs } = this.#invocations;
    if (asked !== undefined) return asked;
    const expected = command.expectedMs === undefined ? 0 : command.expectedMs * 3;
    return Math.min(Math.max(defaultTimeoutMs, expected), maxTimeoutMs);
  }
}

/** How an invocation ended, once it has. */
export function readEnd(invocation: Invocation): Result<Invocation, InvokeFailure> {
  if (invocation.state === 'completed') return succeed(invocation);
  const failure: Failure = invocation.failure ?? {
    code: 'INTERNAL',
    message: 'The invocation ended without a reason.',
  };
  return fail({ ...failure, invocation });
}

function refused(code: Failure['code'], message: string): Result<never, Failure> {
  return fail({ code, message });
}

function unknownCommand(device: Device, name: string): Result<never, Failure> {
  const names = device.description.commands.slice(0, 20).map((command) => command.name);
  const has = names.length === 0 ? 'It has no commands.' : `It has ${names.join(', ')}.`;
  return refused('COMMAND_UNKNOWN', `Device ${device.id} has no command ${name}. ${has}`);
}
