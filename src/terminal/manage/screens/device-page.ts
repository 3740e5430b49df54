import {
  ClientError,
  ProblemError,
  readInputForm,
  type Command,
  type Device,
  type DeviceTelemetry,
} from '../../../client/index.ts';
import type { Desk, Hint, Screen } from '../desk.ts';
import { isDescribe } from '../device-words.ts';
import { Poller } from '../poller.ts';
import type { Area, Row } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { clamp } from '../../ui/list-window.ts';
import { TypedNumber } from '../../ui/typed-number.ts';
import { AnswerScreen } from './answer-page.ts';
import { CommandFormScreen } from './command-form.ts';
import { DescriptionScreen } from './description.ts';
import { drawDevicePage } from './device-page-view.ts';
import { ReadingsScreen } from './readings.ts';

const POLL_MS = 1000;

/** What is seen of the device, for drawing it. */
export type DevicePageState = {
  readonly device: Device;
  readonly telemetry: DeviceTelemetry | undefined;
  /** What can be sent, without the general description; undefined until the hub has told. */
  readonly commands: readonly Command[] | undefined;
  /** A command, or the general description after the last one. */
  readonly selected: number;
  /** The hub does not know the device any more. */
  readonly isUnknown: boolean;
  readonly isForgetAsked: boolean;
};

/** One device: whether it is there, what it reports, what it can be asked to do. */
export class DevicePageScreen implements Screen {
  readonly isTyping = false;
  readonly asksHub = true;
  readonly topic = 'device';
  readonly #desk: Desk;
  readonly #poller: Poller;
  readonly #number: TypedNumber;
  #device: Device;
  #telemetry: DeviceTelemetry | undefined;
  #commands: readonly Command[] | undefined;
  /** The command for its general description, if it has one. */
  #describe: Command | undefined;
  /** The presence at which the commands were read: a device that comes back may have others. */
  #commandsAt: number | undefined;
  #selected = 0;
  #isUnknown = false;
  #isForgetAsked = false;

  constructor(desk: Desk, device: Device) {
    this.#desk = desk;
    this.#device = device;
    this.#number = new TypedNumber(desk.clock);
    this.#poller = new Poller({ periodMs: POLL_MS, clock: desk.clock, run: (signal) => this.#load(signal) });
  }

  get title(): string {
    return this.#device.deviceId;
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    if (this.#isForgetAsked) {
      return [
        { keys: 'y', label: say('keys.yes') },
        { keys: 'n', label: say('keys.no') },
      ];
    }
    const isOffline = this.#device.presence.status === 'offline';
    return [
      { keys: '↑↓', label: say('keys.choose') },
      { keys: 'Enter', label: say('keys.send') },
      ...(isOffline ? [{ keys: 'x', label: say('keys.forget') }] : []),
      { keys: 'd', label: say('keys.description') },
      { keys: 'r', label: say('keys.readings') },
      { keys: 'Esc', label: say('keys.back') },
    ];
  }

  onShown(): void {
    this.#poller.start();
  }

  onHidden(): void {
    this.#poller.stop();
  }

  onKey(key: Key): boolean {
    if (this.#isForgetAsked) return this.#takeConfirmation(key);
    switch (key.name) {
      case 'up':
        this.#select(this.#selected - 1);
        return true;
      case 'down':
        this.#select(this.#selected + 1);
        return true;
      case 'home':
      case 'pageUp':
        this.#select(0);
        return true;
      case 'end':
      case 'pageDown':
        this.#select(this.#commands?.length ?? 0);
        return true;
      case 'enter':
      case 'right':
        this.#openSelected();
        return true;
      default:
        return key.name === 'text' && this.#takeLetter(key.text);
    }
  }

  draw(area: Area): readonly Row[] {
    return drawDevicePage(this.#state, this.#desk, area);
  }

  get #state(): DevicePageState {
    return {
      device: this.#device,
      telemetry: this.#telemetry,
      commands: this.#commands,
      selected: this.#selected,
      isUnknown: this.#isUnknown,
      isForgetAsked: this.#isForgetAsked,
    };
  }

  #takeLetter(text: string): boolean {
    switch (text) {
      case 'd':
        this.#openDescription();
        return true;
      case 'r':
        this.#desk.open(new ReadingsScreen(this.#desk, this.#device));
        return true;
      case 'x':
        this.#askToForget();
        return true;
      default:
        return this.#takeDigit(text);
    }
  }

  /** Numbers are those of the device's own description. */
  #takeDigit(text: string): boolean {
    if (!/^\d$/.test(text)) return false;
    const indexOf = (number: number): number =>
      this.#commands?.findIndex((command) => command.number === number) ?? -1;
    const number = this.#number.take(text, (wanted) => indexOf(wanted) >= 0);
    if (number !== undefined) this.#select(indexOf(number));
    return true;
  }

  #takeConfirmation(key: Key): boolean {
    const isYes = key.name === 'text' && ['y', 's', 'Y', 'S'].includes(key.text);
    this.#isForgetAsked = false;
    if (isYes) void this.#forget();
    return true;
  }

  #select(index: number): void {
    this.#selected = clamp(index, (this.#commands?.length ?? 0) + 1);
  }

  #openSelected(): void {
    const command = this.#commands?.[this.#selected];
    if (command === undefined) return this.#openDescription();
    const form = readInputForm(command.input);
    if (form !== undefined && form.fields.length > 0) {
      this.#desk.open(new CommandFormScreen(this.#desk, { device: this.#device, command, form }));
    } else {
      const request = form === undefined ? {} : { input: {} };
      this.#desk.open(new AnswerScreen(this.#desk, { device: this.#device, command, request }));
    }
  }

  #openDescription(): void {
    this.#desk.open(new DescriptionScreen(this.#desk, { device: this.#device, describe: this.#describe }));
  }

  #askToForget(): void {
    if (this.#device.presence.status === 'offline') this.#isForgetAsked = true;
    else this.#desk.notify(this.#desk.say('device.forget.online', { id: this.#device.deviceId }));
  }

  async #forget(): Promise<void> {
    const { deviceId } = this.#device;
    const { say } = this.#desk;
    try {
      await this.#desk.session.call((client) => client.devices.forget(deviceId));
      this.#desk.notify(say('device.forget.done', { id: deviceId }));
      this.#desk.back();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const isOnline = error instanceof ProblemError && error.code === 'DEVICE_ONLINE';
      this.#desk.notify(isOnline ? say('device.forget.online', { id: deviceId }) : error.message);
    }
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { deviceId } = this.#device;
    const { session } = this.#desk;
    try {
      const [device, telemetry] = await Promise.all([
        session.call((client) => client.devices.get(deviceId, { signal })),
        session.call((client) => client.devices.telemetry(deviceId, { signal })),
      ]);
      this.#device = device;
      this.#telemetry = telemetry;
      this.#isUnknown = false;
      if (this.#commandsAt !== device.presence.sequence) {
        this.#takeCommands(await session.call((client) => client.devices.commands(deviceId, { signal })));
        this.#commandsAt = device.presence.sequence;
      }
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'DEVICE_UNKNOWN') this.#isUnknown = true;
      else if (!signal.aborted && !(error instanceof ClientError)) throw error;
    } finally {
      this.#desk.changed();
    }
  }

  #takeCommands(commands: readonly Command[]): void {
    const selected = this.#commands?.[this.#selected]?.name;
    this.#describe = commands.find(isDescribe);
    this.#commands = commands.filter((command) => !isDescribe(command));
    const index = this.#commands.findIndex((command) => command.name === selected);
    this.#select(index >= 0 ? index : this.#selected);
  }
}
