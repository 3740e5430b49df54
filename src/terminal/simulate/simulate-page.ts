import { sayIfKnown, type MessageKey, type Say } from '../messages.ts';
import type { Key } from '../ui/key-reader.ts';
import type { PageStack } from '../ui/page-stack.ts';
import type { Page, Question } from '../ui/page.ts';
import type { Area, Row, Tone } from '../ui/rows.ts';
import { TextLine } from '../ui/text-line.ts';
import { drawSimulate, type MenuChoice, type Said, type SimulateView } from './simulate-view.ts';
import type {
  SimulatedConnectionState,
  SimulatedDevice,
  SimulatedRadio,
  SimulatedSensor,
} from './simulated-device.ts';

type Act = () => Said | undefined | Promise<Said>;
type Action = {
  readonly label: MessageKey;
  readonly act: Act;
  /** Whether it would change nothing now; absent when it always does something. */
  readonly isIdle?: () => boolean;
};
type OpenQuestion = { readonly text: string; readonly take: (answer: string) => Said | undefined };

const STATUS_TONES: Readonly<Record<SimulatedConnectionState['status'], Tone>> = {
  online: 'good',
  connecting: 'warn',
  waiting: 'bad',
  offline: 'plain',
};
const QUIT = '0';
const NOTHING: Said = { lines: [], tone: 'plain' };

/** One virtual device: shows its state as it changes, and does what is chosen. Does not disconnect it at the end. */
export class SimulatePage implements Page {
  readonly hints = [];
  readonly #app: PageStack;
  readonly #device: SimulatedDevice;
  readonly #say: Say;
  readonly #unwatch: () => void;
  /** By the key that is typed. */
  readonly #actions: ReadonlyMap<string, Action>;
  readonly #typed = new TextLine();
  #question: OpenQuestion | undefined;
  #said: Said;
  /** The person has just asked to connect, and is owed what comes of it. */
  #isConnectOwed = false;

  constructor(app: PageStack, device: SimulatedDevice, say: Say) {
    this.#app = app;
    this.#device = device;
    this.#say = say;
    const own = device.kind === 'sensor' ? this.#sensorActions(device) : this.#radioActions(device);
    const all = [...this.#commonActions(), ...own];
    this.#actions = new Map(all.map((action, index) => [String(index + 1), action]));
    this.#said = device.state.status === 'offline' ? plain(say('virtual.welcome')) : NOTHING;
    this.#unwatch = device.watch(() => this.#onChange());
  }

  get title(): string {
    return this.#say(`virtual.title.${this.#device.kind}`);
  }

  onHidden(): void {
    this.#unwatch();
  }

  onKey(key: Key): boolean {
    if (key.name === 'ctrl' && key.text === 'd') this.#app.quit();
    else if (this.#question !== undefined) this.#takeTypedKey(key, this.#question);
    else if (key.name === 'text' && (key.text === QUIT || this.#actions.has(key.text)))
      void this.#choose(key.text);
    return true;
  }

  draw(area: Area): readonly Row[] {
    return drawSimulate(this.#view(), area);
  }

  tell(): readonly string[] {
    const { title, choices, status, said } = this.#view();
    return [
      [title, ...choices.map(({ key, label }) => `  ${key}  ${label}`)].join('\n'),
      status.map(({ text }) => text).join('\n'),
      said.lines.join('\n'),
    ];
  }

  get question(): Question {
    return { text: this.#question === undefined ? '' : `${this.#question.text} ` };
  }

  async answer(text: string): Promise<boolean> {
    const question = this.#question;
    if (question !== undefined) await this.#close(() => question.take(text));
    else if (text.trim() !== '') await this.#choose(text.trim());
    return question === undefined && text.trim() === '';
  }

  #takeTypedKey(key: Key, question: OpenQuestion): void {
    if (key.name === 'enter') void this.#close(() => question.take(this.#typed.text));
    else if (key.name === 'escape') void this.#close(() => plain(this.#say('virtual.givenUp')));
    else this.#typed.take(key);
  }

  async #choose(key: string): Promise<void> {
    if (key === QUIT) return this.#app.quit();
    const invalid: Act = () => bad(this.#say('virtual.invalidChoice'));
    await this.#do(this.#actions.get(key)?.act ?? invalid);
  }

  async #close(act: Act): Promise<void> {
    this.#question = undefined;
    await this.#do(act);
  }

  async #do(act: Act): Promise<void> {
    this.#said = NOTHING;
    this.#app.changed();
    // What comes of it may be told already when it has been done.
    this.#said = (await act()) ?? this.#said;
    this.#app.changed();
  }

  #ask(text: string, take: OpenQuestion['take']): Said {
    this.#question = { text, take };
    this.#typed.text = '';
    return NOTHING;
  }

  #commonActions(): Action[] {
    const device = this.#device;
    const power = (result: ReturnType<SimulatedDevice['turnOn']>): Said =>
      good(this.#say(`virtual.power.${result}`));
    return [
      {
        label: 'virtual.choice.connect',
        act: () => this.#askServer(),
        isIdle: () => device.state.status === 'online',
      },
      {
        label: 'virtual.choice.disconnect',
        act: () => this.#disconnect(),
        isIdle: () => device.state.status === 'offline',
      },
      { label: 'virtual.choice.turnOn', act: () => power(device.turnOn()), isIdle: () => device.isOn },
      { label: 'virtual.choice.turnOff', act: () => power(device.turnOff()), isIdle: () => !device.isOn },
      { label: 'virtual.choice.showData', act: () => ({ lines: this.#data(), tone: 'plain' }) },
    ];
  }

  #sensorActions(sensor: SimulatedSensor): Action[] {
    const say = this.#say;
    const take = (text: string): Said => {
      const value = /^[+-]?\d{1,4}$/.test(text.trim()) ? Number(text) : Number.NaN;
      const isSet = sensor.setTemperature(value);
      return isSet
        ? good(say('virtual.temperatureSet', { temperature: value }))
        : bad(say('virtual.temperatureInvalid'));
    };
    const act: Act = () => this.#ask(say('virtual.askTemperature'), take);
    return [{ label: 'virtual.choice.setTemperature', act }];
  }

  #radioActions(radio: SimulatedRadio): Action[] {
    const say = this.#say;
    const take = (song: string): Said =>
      radio.setSong(song) ? good(say('virtual.songSet')) : bad(say('virtual.songEmpty'));
    const player = (result: ReturnType<SimulatedRadio['play']>): Said =>
      (result === 'no-song' || result === 'radio-off' ? bad : good)(say(`virtual.player.${result}`));
    return [
      { label: 'virtual.choice.setSong', act: () => this.#ask(say('virtual.askSong'), take) },
      {
        label: 'virtual.choice.play',
        act: () => player(radio.play()),
        isIdle: () => radio.song === undefined || radio.isPlaying,
      },
      { label: 'virtual.choice.pause', act: () => player(radio.pause()), isIdle: () => !radio.isPlaying },
    ];
  }

  #askServer(): Said {
    const { state, server } = this.#device;
    if (state.status === 'online') return plain(this.#say('virtual.alreadyConnected', { server }));
    return this.#ask(this.#say('virtual.askServer', { usual: server }), (answer) =>
      this.#connect(answer.trim()),
    );
  }

  #connect(answer: string): Said | undefined {
    const device = this.#device;
    this.#isConnectOwed = true;
    if (!device.connect(answer === '' ? device.server : answer)) {
      this.#isConnectOwed = false;
      return bad(this.#say('virtual.invalidAddress', { text: answer }));
    }
    if (!this.#isConnectOwed) return undefined;
    return { lines: [this.#say('virtual.connecting', { server: device.server })], tone: 'warn' };
  }

  async #disconnect(): Promise<Said> {
    if (this.#device.state.status === 'offline') return plain(this.#say('virtual.notConnected'));
    this.#isConnectOwed = false;
    await this.#device.disconnect();
    return good(this.#say('virtual.disconnected'));
  }

  #data(): string[] {
    const say = this.#say;
    const device = this.#device;
    const none = say('virtual.none');
    const isLast = device.state.status !== 'online' && device.id !== undefined;
    const own: [MessageKey, string][] =
      device.kind === 'sensor'
        ? [['virtual.data.temperature', device.temperature === undefined ? none : `${device.temperature}°C`]]
        : [
            ['virtual.data.song', device.song ?? none],
            ['virtual.data.songStatus', this.#songStatus(device)],
          ];
    const { status } = device.state;
    const lines: [MessageKey, string][] = [
      [isLast ? 'virtual.data.lastId' : 'virtual.data.id', device.id ?? none],
      ['virtual.data.status', say(device.isOn ? 'virtual.on' : 'virtual.off')],
      ...own,
      [
        'virtual.data.server',
        status === 'offline' ? none : `${device.server} (${say(`virtual.status.${status}`)})`,
      ],
    ];
    return lines.map(([name, value]) => `${say(name)}: ${value}`);
  }

  #onChange(): void {
    const { state, server, id = '' } = this.#device;
    if (this.#isConnectOwed && (state.status === 'online' || state.status === 'waiting')) {
      this.#isConnectOwed = false;
      this.#said =
        state.status === 'online'
          ? good(this.#say('virtual.connected', { server, id }))
          : bad(this.#explain(state));
    }
    this.#app.changed();
  }

  #view(): SimulateView {
    const { state } = this.#device;
    const tone = STATUS_TONES[state.status];
    const why = this.#explain(state);
    const choices = [...this.#actions].map(([key, { label, isIdle }]): MenuChoice => ({
      key,
      label: this.#say(label),
      isIdle: isIdle?.() === true,
    }));
    return {
      title: this.title,
      status: [
        { text: this.#connectionLine(state), tone },
        ...(why === '' ? [] : [{ text: why, tone }]),
        { text: this.#deviceLine(), tone: 'plain' },
      ],
      choices: [...choices, { key: QUIT, label: this.#say('virtual.choice.quit'), isIdle: false }],
      said: this.#said,
      prompt: this.#question?.text ?? this.#say('virtual.prompt'),
      typed: this.#question === undefined ? undefined : this.#typed,
    };
  }

  #connectionLine({ status, retryInMs }: SimulatedConnectionState): string {
    const { server, id = '' } = this.#device;
    const word = this.#say(`virtual.status.${status}`);
    if (status === 'offline') return word;
    if (status === 'online') return `${word}: ${this.#say('virtual.at', { id, server })}`;
    if (status === 'connecting') return `${word}: ${server}`;
    const seconds = (retryInMs / 1000).toFixed(retryInMs < 10_000 ? 1 : 0);
    return `${word}: ${server}, ${this.#say('virtual.retryIn', { seconds })}`;
  }

  /** What a hub says of a refusal is told in the hub's own words; what goes well needs no reason. */
  #explain({ reason, message }: SimulatedConnectionState): string {
    const why = sayIfKnown(this.#say, `virtual.why.${reason}`) ?? '';
    return reason === 'refused' ? `${why}: ${message}` : why;
  }

  #deviceLine(): string {
    const device = this.#device;
    const power = this.#say(device.isOn ? 'virtual.on' : 'virtual.off');
    if (device.kind === 'sensor')
      return device.temperature === undefined ? power : `${power}, ${device.temperature}°C`;
    return device.song === undefined ? power : `${power}, ${this.#songStatus(device)}: ${device.song}`;
  }

  #songStatus({ song, isPlaying }: SimulatedRadio): string {
    if (song === undefined) return this.#say('virtual.none');
    return this.#say(isPlaying ? 'virtual.playing' : 'virtual.paused');
  }
}

function plain(text: string): Said {
  return { lines: [text], tone: 'plain' };
}

function good(text: string): Said {
  return { lines: [text], tone: 'good' };
}

function bad(text: string): Said {
  return { lines: [text], tone: 'bad' };
}
