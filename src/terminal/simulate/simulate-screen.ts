import type { Language } from '../language.ts';
import type { Choice, Screen, Tone, View } from '../screen.ts';
import { MESSAGES, type Messages } from './messages.ts';
import type {
  ConnectionState,
  SimulatedDevice,
  SimulatedRadio,
  SimulatedSensor,
} from './simulated-device.ts';

type Said = { readonly lines: readonly string[]; readonly tone: Tone };
type Action = {
  readonly label: string;
  readonly act: () => Said | undefined | Promise<Said | undefined>;
  /** Whether it would change nothing now; absent when it always does something. */
  readonly isIdle?: () => boolean;
};

const STATUS_TONES: Readonly<Record<ConnectionState['status'], Tone>> = {
  online: 'good',
  connecting: 'busy',
  waiting: 'bad',
  offline: 'plain',
};

/** The screen of one virtual device: shows its state as it changes, and does what is chosen, until quit. */
export class SimulateScreen {
  readonly #device: SimulatedDevice;
  readonly #screen: Screen;
  readonly #messages: Messages;
  /** By the key that is typed. */
  readonly #actions: ReadonlyMap<string, Action>;
  #said: Said;
  /** The person has just asked to connect, and is owed the outcome. */
  #awaitsOutcome = false;

  constructor(device: SimulatedDevice, screen: Screen, language: Language) {
    this.#device = device;
    this.#screen = screen;
    this.#messages = MESSAGES[language];
    const own = device.kind === 'sensor' ? this.#sensorActions(device) : this.#radioActions(device);
    const all = [...this.#commonActions(), ...own];
    this.#actions = new Map(all.map((action, index) => [String(index + 1), action]));
    this.#said = plain(device.state.status === 'offline' ? this.#messages.welcome : '');
  }

  /** Runs until the person quits or nobody is there any more. Does not close the screen, nor disconnect the device. */
  async run(): Promise<void> {
    const unwatch = this.#device.watch(() => this.#onChange());
    this.#show();
    for (;;) {
      const key = await this.#screen.choose();
      if (key === undefined || key === '0') break;
      const action = this.#actions.get(key);
      this.#said = plain('');
      this.#show();
      this.#said =
        action === undefined ? bad(this.#messages.invalidChoice) : ((await action.act()) ?? this.#said);
      this.#show();
    }
    unwatch();
  }

  #commonActions(): Action[] {
    const { choices, power } = this.#messages;
    const device = this.#device;
    return [
      { label: choices.connect, act: () => this.#connect(), isIdle: () => device.state.status === 'online' },
      {
        label: choices.disconnect,
        act: () => this.#disconnect(),
        isIdle: () => device.state.status === 'offline',
      },
      { label: choices.turnOn, act: () => good(power[device.turnOn()]), isIdle: () => device.isOn },
      { label: choices.turnOff, act: () => good(power[device.turnOff()]), isIdle: () => !device.isOn },
      { label: choices.showData, act: () => ({ lines: this.#data(), tone: 'plain' }) },
    ];
  }

  #sensorActions(sensor: SimulatedSensor): Action[] {
    const { choices, askTemperature, temperatureSet, temperatureInvalid, givenUp } = this.#messages;
    const act = async (): Promise<Said> => {
      const text = await this.#screen.ask(askTemperature);
      if (text === undefined) return plain(givenUp);
      const value = /^[+-]?\d{1,4}$/.test(text.trim()) ? Number(text) : Number.NaN;
      return sensor.setTemperature(value) ? good(temperatureSet(value)) : bad(temperatureInvalid);
    };
    return [{ label: choices.setTemperature, act }];
  }

  #radioActions(radio: SimulatedRadio): Action[] {
    const { choices, askSong, songSet, songEmpty, givenUp, player } = this.#messages;
    const setSong = async (): Promise<Said> => {
      const song = await this.#screen.ask(askSong);
      if (song === undefined) return plain(givenUp);
      return radio.setSong(song) ? good(songSet) : bad(songEmpty);
    };
    const say = (result: ReturnType<SimulatedRadio['play']>): Said =>
      result === 'no-song' || result === 'radio-off' ? bad(player[result]) : good(player[result]);
    return [
      { label: choices.setSong, act: setSong },
      {
        label: choices.play,
        act: () => say(radio.play()),
        isIdle: () => radio.song === undefined || radio.isPlaying,
      },
      { label: choices.pause, act: () => say(radio.pause()), isIdle: () => !radio.isPlaying },
    ];
  }

  async #connect(): Promise<Said | undefined> {
    const { alreadyConnected, askServer, givenUp, invalidAddress, connecting } = this.#messages;
    const device = this.#device;
    if (device.state.status === 'online') return plain(alreadyConnected(device.server));
    const answer = await this.#screen.ask(askServer(device.server));
    if (answer === undefined) return plain(givenUp);
    const address = answer.trim() === '' ? device.server : answer.trim();
    this.#awaitsOutcome = true;
    if (!device.connect(address)) {
      this.#awaitsOutcome = false;
      return bad(invalidAddress(address));
    }
    // The outcome may have been there before this line is reached.
    if (this.#awaitsOutcome) return { lines: [connecting(device.server)], tone: 'busy' };
    return undefined;
  }

  async #disconnect(): Promise<Said> {
    if (this.#device.state.status === 'offline') return plain(this.#messages.notConnected);
    this.#awaitsOutcome = false;
    await this.#device.disconnect();
    return good(this.#messages.disconnected);
  }

  #data(): string[] {
    const { data, none, on, off, playing, paused, status } = this.#messages;
    const device = this.#device;
    const isConnected = device.state.status !== 'offline';
    const lines = [
      [
        device.state.status === 'online' || device.id === undefined ? data.id : data.lastId,
        device.id ?? none,
      ],
      [data.status, device.isOn ? on : off],
      ...(device.kind === 'sensor'
        ? [[data.temperature, device.temperature === undefined ? none : `${device.temperature}°C`]]
        : [
            [data.song, device.song ?? none],
            [data.songStatus, songStatus(device, { none, playing, paused })],
          ]),
      [data.server, isConnected ? `${device.server} (${status[device.state.status]})` : none],
    ];
    return lines.map(([name, value]) => `${name}: ${value}`);
  }

  #onChange(): void {
    const { state, server, id } = this.#device;
    if (this.#awaitsOutcome && (state.status === 'online' || state.status === 'waiting')) {
      this.#awaitsOutcome = false;
      this.#said =
        state.status === 'online'
          ? good(this.#messages.connected(server, id ?? ''))
          : bad(this.#explain(state));
    }
    this.#show();
  }

  #show(): void {
    this.#screen.show(this.#view());
  }

  #view(): View {
    const { titles, prompt } = this.#messages;
    const { kind, state } = this.#device;
    return {
      title: titles[kind],
      status: this.#statusRows(state),
      choices: this.#choices(),
      message: this.#said,
      prompt,
    };
  }

  #choices(): Choice[] {
    const choices = [...this.#actions].map(([key, { label, isIdle }]) => ({
      key,
      label,
      isIdle: isIdle?.() === true,
    }));
    return [...choices, { key: '0', label: this.#messages.choices.quit }];
  }

  #statusRows(state: ConnectionState): View['status'] {
    const tone = STATUS_TONES[state.status];
    const why = this.#explain(state);
    return [
      { text: this.#connectionLine(state), tone },
      ...(why === '' ? [] : [{ text: why, tone }]),
      { text: this.#deviceLine(), tone: 'plain' as const },
    ];
  }

  #connectionLine({ status, retryInMs }: ConnectionState): string {
    const { status: words, at, retryIn } = this.#messages;
    const { server, id } = this.#device;
    const word = words[status];
    if (status === 'offline') return word;
    if (status === 'online') return `${word}: ${at(id ?? '', server)}`;
    if (status === 'connecting') return `${word}: ${server}`;
    return `${word}: ${server}, ${retryIn((retryInMs / 1000).toFixed(retryInMs < 10_000 ? 1 : 0))}`;
  }

  /** What a hub says of a refusal is told in the hub's own words. */
  #explain({ reason, message }: ConnectionState): string {
    const why = this.#messages.reasons[reason];
    return reason === 'refused' ? `${why}: ${message}` : why;
  }

  #deviceLine(): string {
    const { on, off, none, playing, paused } = this.#messages;
    const device = this.#device;
    const power = device.isOn ? on : off;
    if (device.kind === 'sensor') {
      return device.temperature === undefined ? power : `${power}, ${device.temperature}°C`;
    }
    if (device.song === undefined) return power;
    return `${power}, ${songStatus(device, { none, playing, paused })}: ${device.song}`;
  }
}

function songStatus(radio: SimulatedRadio, words: Pick<Messages, 'none' | 'playing' | 'paused'>): string {
  if (radio.song === undefined) return words.none;
  return radio.isPlaying ? words.playing : words.paused;
}

function plain(text: string): Said {
  return { lines: text === '' ? [] : [text], tone: 'plain' };
}

function good(text: string): Said {
  return { lines: [text], tone: 'good' };
}

function bad(text: string): Said {
  return { lines: [text], tone: 'bad' };
}
