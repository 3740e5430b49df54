import type { Result } from '../../../base/result.ts';
import {
  ProblemError,
  readInputForm,
  type Client,
  type ClientError,
  type Command,
  type Device,
  type DeviceDetails,
  type DeviceTelemetry,
  type HubEvent,
  type InvocationPage,
} from '../../../client/index.ts';
import type { MessageKey } from '../../messages.ts';
import type { Key } from '../../ui/key-reader.ts';
import { clamp, stepOf } from '../../ui/list-window.ts';
import type { Hint, Question } from '../../ui/page.ts';
import type { Area, Row } from '../../ui/rows.ts';
import { TypedNumber } from '../../ui/typed-number.ts';
import { isDescribe } from '../device-words.ts';
import type { Follows } from '../hub-follower.ts';
import type { ManagePage, PageContext } from '../page-context.ts';
import { withEvent, withNewer } from '../reading-news.ts';
import { AnswerPage } from './answer.ts';
import { CommandFormPage } from './command-form.ts';
import { DescriptionPage } from './description.ts';
import { drawDevice, tellDevice, type DeviceDetailsView, commandRowCount } from './device-view.ts';
import { InvocationsPage } from './invocations.ts';
import { ReadingsPage } from './readings.ts';

const PLAIN_HELP: readonly MessageKey[] = [
  'plain.help.command',
  'plain.help.description',
  'plain.help.invocations',
  'plain.help.refresh',
  'plain.help.forget',
  'plain.help.back',
  'plain.help.quit',
];

type Snapshot = {
  readonly device: DeviceDetails;
  readonly telemetry: DeviceTelemetry;
  /** Undefined when they are known already. */
  readonly commands: readonly Command[] | undefined;
  /** Commands that wait for it. */
  readonly waiting: number;
};

/** One device: whether it is there, what it reports, what it can be asked to do. */
export class DeviceDetailsPage implements ManagePage {
  readonly topic = 'device';
  readonly follows: Follows;
  readonly #app: PageContext;
  readonly #number: TypedNumber;
  readonly #state: DeviceDetailsView;
  /** The command for its general description, if it has one. */
  #describe: Command | undefined;
  /** The presence at which the commands were read: a device that comes back may have others. */
  #commandsAt: number | undefined;

  constructor(app: PageContext, device: Device) {
    this.#app = app;
    this.#number = new TypedNumber(app.clock);
    this.follows = { devices: [device.deviceId] };
    this.#state = {
      device,
      telemetry: undefined,
      commands: undefined,
      waiting: 0,
      selected: 0,
      concern: 'none',
    };
  }

  get title(): string {
    return this.#state.device.deviceId;
  }

  get hints(): readonly Hint[] {
    const { concern, device } = this.#state;
    if (concern === 'forgetting') {
      return [
        [this.#yes, 'form.yes'],
        ['n', 'form.no'],
      ];
    }
    return [
      ['↑↓', 'keys.choose'],
      ['Enter', 'keys.send'],
      ...(device.presence.status === 'offline' ? ([['x', 'keys.forget']] as const) : []),
      ['d', 'keys.description'],
      ['r', 'keys.readings'],
      ['i', 'keys.invocations'],
      ['Esc', 'keys.back'],
    ];
  }

  async load(signal: AbortSignal): Promise<Result<unknown, ClientError>> {
    const state = this.#state;
    const snapshot = await this.#app.hub.call((client) => this.#ask(client, signal), signal);
    if (snapshot.ok) {
      const { device, commands, waiting } = snapshot.value;
      const telemetry = withNewer(snapshot.value.telemetry, state.telemetry);
      Object.assign(state, { device, telemetry, waiting });
      if (state.concern === 'unknown') state.concern = 'none';
      if (commands !== undefined) this.#takeCommands(commands, device.presence.sequence);
    } else if (snapshot.failure instanceof ProblemError && snapshot.failure.code === 'DEVICE_UNKNOWN') {
      state.concern = 'unknown';
    }
    return snapshot;
  }

  onEvent(event: HubEvent): boolean {
    const state = this.#state;
    if (event.type === 'invocation') return state.waiting > 0 || event.invocation.state === 'queued';
    if (event.type === 'event') return false;
    if (state.telemetry === undefined || (event.type !== 'reading' && event.type !== 'unavailable'))
      return true;
    state.telemetry = withEvent(state.telemetry, event);
    return false;
  }

  onKey(key: Key): boolean {
    if (this.#state.concern === 'forgetting') return this.#takeConfirmation(key);
    const rows = commandRowCount(this.#state, this.#app);
    const step = stepOf(key, { count: this.#commands.length + 1, rows });
    if (step !== undefined) return this.#select(this.#state.selected + step);
    if (key.name === 'enter' || key.name === 'right') return this.#openSelected();
    return key.name === 'text' && this.#takeLetter(key.text);
  }

  draw(area: Area): readonly Row[] {
    return drawDevice(this.#state, this.#app, area);
  }

  tell(): readonly string[] {
    return tellDevice(this.#state, this.#app);
  }

  get plainHelp(): readonly MessageKey[] | undefined {
    return this.#state.concern === 'forgetting' ? undefined : PLAIN_HELP;
  }

  get question(): Question {
    const { concern, device } = this.#state;
    const { deviceId: id } = device;
    return { text: concern === 'forgetting' ? this.#app.say('plain.forget', { id }) : `${id}> ` };
  }

  async answer(line: string): Promise<boolean> {
    const text = line.trim();
    if (this.#state.concern === 'forgetting') {
      this.#state.concern = 'none';
      if (text.toLowerCase() === this.#app.say('form.yes')) await this.#forget();
      return false;
    }
    const command = this.#commands.find((each) => String(each.number) === text || each.name === text);
    if (['d', 'i', 'x'].includes(text)) this.#takeLetter(text);
    else if (command !== undefined) this.#openCommand(command);
    else this.#app.notify(this.#app.say('plain.unknownChoice', { text }));
    return false;
  }

  /** The first letter of the word. */
  get #yes(): string {
    return this.#app.say('form.yes').slice(0, 1);
  }

  get #commands(): readonly Command[] {
    return this.#state.commands ?? [];
  }

  #takeLetter(text: string): boolean {
    switch (text) {
      case 'd':
        return this.#openDescription();
      case 'r':
        this.#app.open(new ReadingsPage(this.#app, this.#state.device));
        return true;
      case 'i':
        this.#app.open(new InvocationsPage(this.#app, this.#state));
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
    const indexOf = (number: number): number => this.#commands.findIndex((each) => each.number === number);
    const number = this.#number.take(text, (wanted) => indexOf(wanted) >= 0);
    if (number !== undefined) this.#select(indexOf(number));
    return true;
  }

  #takeConfirmation(key: Key): boolean {
    this.#state.concern = 'none';
    if (key.name === 'text' && key.text.toLowerCase() === this.#yes) void this.#forget();
    return true;
  }

  #select(index: number): true {
    this.#state.selected = clamp(index, this.#commands.length + 1);
    return true;
  }

  #openSelected(): boolean {
    const command = this.#commands[this.#state.selected];
    return command === undefined ? this.#openDescription() : this.#openCommand(command);
  }

  #openCommand(command: Command): true {
    const { device } = this.#state;
    const form = readInputForm(command.input);
    const page =
      form !== undefined && form.fields.length > 0
        ? new CommandFormPage(this.#app, { device, command, form })
        : new AnswerPage(this.#app, { device, command, request: form === undefined ? {} : { input: {} } });
    this.#app.open(page);
    return true;
  }

  #openDescription(): true {
    this.#app.open(new DescriptionPage(this.#app, { device: this.#state.device, describe: this.#describe }));
    return true;
  }

  #askToForget(): void {
    const { device } = this.#state;
    if (device.presence.status === 'offline') this.#state.concern = 'forgetting';
    else this.#app.notify(this.#app.say('device.forget.online', { id: device.deviceId }));
  }

  async #forget(): Promise<void> {
    const { deviceId: id } = this.#state.device;
    const { say, hub } = this.#app;
    const forgotten = await hub.call(({ devices }) => devices.forget(id));
    if (forgotten.ok) {
      this.#app.notify(say('device.forget.done', { id }));
      this.#app.back();
      return;
    }
    const { failure } = forgotten;
    const isOnline = failure instanceof ProblemError && failure.code === 'DEVICE_ONLINE';
    if (isOnline) this.#app.notify(say('device.forget.online', { id }));
    else this.#app.tellFailure(failure);
  }

  async #ask({ devices, invocations }: Client, signal: AbortSignal): Promise<Snapshot> {
    const { deviceId } = this.#state.device;
    const [device, telemetry, queued] = await Promise.all([
      devices.get(deviceId, { signal }),
      devices.telemetry(deviceId, { signal }),
      invocations.list({ deviceId, state: 'queued', signal }).catch(noneOfOlderHub),
    ]);
    const isKnown = this.#commandsAt === device.presence.sequence;
    const commands = isKnown ? undefined : await devices.commands(deviceId, { signal });
    return { device, telemetry, commands, waiting: queued.invocations.length };
  }

  #takeCommands(commands: readonly Command[], presence: number): void {
    const selected = this.#commands[this.#state.selected]?.name;
    this.#commandsAt = presence;
    this.#describe = commands.find(isDescribe);
    this.#state.commands = commands.filter((command) => !isDescribe(command));
    const index = this.#commands.findIndex((command) => command.name === selected);
    this.#select(index >= 0 ? index : this.#state.selected);
  }
}

function noneOfOlderHub(error: unknown): InvocationPage {
  if (error instanceof ProblemError && error.code === 'ROUTE_UNKNOWN') return { invocations: [] };
  throw error;
}
