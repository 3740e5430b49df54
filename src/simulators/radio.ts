import { CommandError, createDevice, type Device } from '../device/index.ts';
import { MAX_SONG_CHARACTERS, RadioModel, type PlayerResult } from './radio-model.ts';
import type { PowerResult } from './sensor-model.ts';
import { randomId, Simulator, type SimulatorOptions } from './simulator.ts';

const WORDS: Readonly<Record<PowerResult | PlayerResult, string>> = {
  'turned-on': 'Dispositivo ligado',
  'already-on': 'Dispositivo já está ligado',
  'turned-off': 'Dispositivo desligado',
  'already-off': 'Dispositivo já está desligado',
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
  readonly #model: RadioModel;

  constructor({ isOn = false, ...options }: SimulatorOptions) {
    super();
    this.#model = new RadioModel({ isOn });
    this.device =
      options.protocol === 2 ? createFramed(this.#model, options) : createPlain(this.#model, options);
    this.#model.onChange = this.notify;
    this.device.watch(this.notify);
  }

  get isOn(): boolean {
    return this.#model.isOn;
  }

  get song(): string | undefined {
    return this.#model.song;
  }

  get isPlaying(): boolean {
    return this.#model.isPlaying;
  }

  turnOn(): PowerResult {
    return this.#model.turnOn();
  }

  turnOff(): PowerResult {
    return this.#model.turnOff();
  }

  /** False, and nothing changes, when the name is empty. */
  setSong(song: string): boolean {
    return this.#model.setSong(song);
  }

  play(): PlayerResult {
    return this.#model.play();
  }

  pause(): PlayerResult {
    return this.#model.pause();
  }
}

function createPlain(model: RadioModel, options: SimulatorOptions): Device {
  return createDevice({
    ...options,
    protocol: 1,
    title: 'Aparelho de som via internet',
    commands: {
      turnOn: { title: 'Ligar', run: () => WORDS[model.turnOn()] },
      turnOff: { title: 'Desligar', run: () => WORDS[model.turnOff()] },
      setSong: {
        title: 'Setar música',
        input: { type: 'string', title: 'Música' },
        run: ({ input }) => (model.setSong(input) ? 'Música selecionada' : WORDS['no-song']),
      },
      play: { title: 'Tocar', run: () => WORDS[model.play()] },
      pause: { title: 'Pausar', run: () => WORDS[model.pause()] },
    },
    describe: () => ({
      Descrição: 'Aparelho de som via internet',
      'Status do dispositivo': model.isOn ? 'Ligado' : 'Desligado',
      'Música atual': model.song ?? '-----',
      'Status da música': describePlaying(model, 'Tocando', 'Pausada'),
    }),
  });
}

function describePlaying(model: RadioModel, playing: string, paused: string): string {
  if (model.song === undefined) return '-------';
  return model.isPlaying ? playing : paused;
}

const SONG_SCHEMA = { type: 'string', title: 'Song', minLength: 1, maxLength: MAX_SONG_CHARACTERS } as const;

function createFramed(model: RadioModel, options: SimulatorOptions): Device {
  const id = options.id ?? randomId('radio', options.random);
  const status = () => ({ on: model.isOn, song: model.song ?? null, playing: model.isPlaying });
  const player = (act: () => PlayerResult) => () => {
    const result = act();
    if (result === 'no-song')
      throw new CommandError('NO_SONG', 'Choose a song first: invoke setSong.', { status: 409 });
    if (result === 'radio-off')
      throw new CommandError('RADIO_OFF', 'The radio is off: invoke turnOn first.', { status: 409 });
    return status();
  };
  return createDevice({
    ...options,
    protocol: 2,
    id,
    title: 'Internet radio',
    model: 'Recado virtual radio',
    commands: {
      turnOn: { title: 'Turn on', idempotent: true, run: () => (model.turnOn(), status()) },
      turnOff: { title: 'Turn off', idempotent: true, run: () => (model.turnOff(), status()) },
      setSong: {
        title: 'Set song',
        kind: 'write',
        input: SONG_SCHEMA,
        idempotent: true,
        run: ({ input }) => {
          if (!model.setSong(input))
            throw new CommandError('NO_SONG', 'The name of the song is empty.', { status: 422 });
          return status();
        },
      },
      play: { title: 'Play', idempotent: true, run: player(() => model.play()) },
      pause: { title: 'Pause', idempotent: true, run: player(() => model.pause()) },
    },
    describe: () => ({ title: 'Internet radio', ...status() }),
  });
}
