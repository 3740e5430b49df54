import { CommandError, createDevice, type Device } from '../device/index.ts';
import { framedWords } from './framed-words.ts';
import { POWER_WORDS, randomId, Simulator, SWITCHED_DATA, type SimulatorOptions } from './simulator.ts';

/** Longer names of songs are cut. */
const MAX_SONG_CHARACTERS = 200;

type PlayerResult = 'playing' | 'already-playing' | 'paused' | 'already-paused' | 'no-song' | 'radio-off';

const PLAYER_WORDS: Readonly<Record<PlayerResult, string>> = {
  playing: 'A música foi colocada para tocar',
  'already-playing': 'A música já está tocando',
  paused: 'A música foi pausada',
  'already-paused': 'A música já está pausada',
  'no-song': 'Nenhuma música foi selecionada',
  'radio-off': 'Aparelho desligado, não tem como modificar status da música',
};

/** The virtual internet radio: its song is set, played and paused by command. */
export class Radio extends Simulator {
  readonly kind = 'radio';
  protected readonly device: Device;
  #song: string | undefined;
  #isPlaying = false;

  constructor({ isOn, ...options }: SimulatorOptions) {
    super({ isOn });
    this.device = options.protocol === 2 ? createFramed(this, options) : createPlain(this, options);
    this.device.watch(this.notify);
  }

  get song(): string | undefined {
    return this.#song;
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** Plays it at once if the radio is on; false, and nothing changes, when the name is empty. */
  setSong(song: string): boolean {
    const name = song.trim().slice(0, MAX_SONG_CHARACTERS);
    if (name === '') return false;
    this.#song = name;
    this.#isPlaying = this.isOn;
    this.#tellSong();
    return true;
  }

  play(): PlayerResult {
    return this.#setPlaying(true, 'playing', 'already-playing');
  }

  pause(): PlayerResult {
    return this.#setPlaying(false, 'paused', 'already-paused');
  }

  /** Turned on it plays the song, if there is one. */
  protected override onSwitched(): void {
    super.onSwitched();
    this.#isPlaying = this.isOn && this.#song !== undefined;
  }

  #tellSong(): void {
    const { song, isPlaying: playing } = this;
    if (this.device.protocol === 2) this.device.emit('songChanged', { song, playing });
    this.notify();
  }

  #setPlaying(isPlaying: boolean, done: PlayerResult, already: PlayerResult): PlayerResult {
    if (this.#song === undefined) return 'no-song';
    if (!this.isOn) return 'radio-off';
    if (this.#isPlaying === isPlaying) return already;
    this.#isPlaying = isPlaying;
    this.#tellSong();
    return done;
  }
}

function createPlain(radio: Radio, options: SimulatorOptions): Device {
  const { title = 'Aparelho de som via internet' } = options;
  return createDevice({
    ...options,
    protocol: 1,
    title,
    commands: {
      turnOn: { title: 'Ligar', run: () => POWER_WORDS[radio.turnOn()] },
      turnOff: { title: 'Desligar', run: () => POWER_WORDS[radio.turnOff()] },
      setSong: {
        title: 'Setar música',
        input: { type: 'string', title: 'Música' },
        run: ({ input }) => (radio.setSong(input) ? 'Música selecionada' : PLAYER_WORDS['no-song']),
      },
      play: { title: 'Tocar', run: () => PLAYER_WORDS[radio.play()] },
      pause: { title: 'Pausar', run: () => PLAYER_WORDS[radio.pause()] },
    },
    describe: () => ({
      Descrição: title,
      'Status do dispositivo': radio.isOn ? 'Ligado' : 'Desligado',
      'Música atual': radio.song ?? '-----',
      'Status da música': describePlaying(radio, 'Tocando', 'Pausada'),
    }),
  });
}

function describePlaying(radio: Radio, playing: string, paused: string): string {
  if (radio.song === undefined) return '-------';
  return radio.isPlaying ? playing : paused;
}

function createFramed(radio: Radio, options: SimulatorOptions): Device {
  const id = options.id ?? randomId('radio', options.random);
  const words = framedWords(options.language);
  const { title = words.radio } = options;
  const song = { type: 'string', title: words.song, minLength: 1, maxLength: MAX_SONG_CHARACTERS } as const;
  const songData = {
    type: 'object',
    properties: { song, playing: { type: 'boolean' } },
    required: ['song', 'playing'],
    additionalProperties: false,
  } as const;
  const status = () => ({ on: radio.isOn, song: radio.song ?? null, playing: radio.isPlaying });
  const player = (act: () => PlayerResult) => () => {
    const result = act();
    if (result === 'no-song') throw new CommandError('NO_SONG', words.noSong, { status: 409 });
    if (result === 'radio-off') throw new CommandError('RADIO_OFF', words.radioOff, { status: 409 });
    return status();
  };
  return createDevice({
    ...options,
    protocol: 2,
    id,
    title,
    model: 'Recado virtual radio',
    events: {
      switched: { title: words.switched, data: SWITCHED_DATA },
      songChanged: { title: words.songChanged, data: songData },
    },
    commands: {
      turnOn: { title: words.turnOn, idempotent: true, run: () => (radio.turnOn(), status()) },
      turnOff: { title: words.turnOff, idempotent: true, run: () => (radio.turnOff(), status()) },
      setSong: {
        title: words.setSong,
        kind: 'write',
        input: song,
        idempotent: true,
        run: ({ input }) => {
          if (!radio.setSong(input)) throw new CommandError('NO_SONG', words.emptySong, { status: 422 });
          return status();
        },
      },
      play: { title: words.play, idempotent: true, run: player(() => radio.play()) },
      pause: { title: words.pause, idempotent: true, run: player(() => radio.pause()) },
    },
    describe: () => ({ title, ...status() }),
  });
}
