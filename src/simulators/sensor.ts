import { createDevice, type Device } from '../device/index.ts';
import { framedWords } from './framed-words.ts';
import type { ReportSchedule } from './report-schedule.ts';
import { POWER_WORDS, randomId, Simulator, SWITCHED_DATA, type SimulatorOptions } from './simulator.ts';
import { MAX_TEMPERATURE, MIN_TEMPERATURE, type Wave } from './wave.ts';

type SensorOptions = SimulatorOptions & {
  /** In °C: a whole number from −49 to 299. Without one it reports nothing until one is set. */
  readonly temperature?: number;
  /** Makes the temperature move by itself. */
  readonly wave?: Wave;
  readonly schedule: ReportSchedule;
};

const NO_DATA = 'Dispositivo desligado, não é possível coletar os dados';

/** The virtual temperature sensor: turned on and off by command, its temperature in a datagram each 0.8 s. */
export class Sensor extends Simulator {
  readonly kind = 'sensor';
  protected readonly device: Device;
  readonly #wave: Wave | undefined;
  readonly #schedule: ReportSchedule;
  #temperature: number | undefined;
  #stopReporting: (() => void) | undefined;

  constructor({ temperature, wave, schedule, isOn, ...options }: SensorOptions) {
    super({ isOn });
    this.device = options.protocol === 2 ? createFramed(this, options) : createPlain(this, options);
    if (temperature !== undefined) this.setTemperature(temperature);
    this.#wave = wave;
    this.#schedule = schedule;
    this.device.watch(({ status }) => {
      this.#setReporting(status === 'online');
      this.notify();
    });
  }

  /** In °C; undefined until one is set. */
  get temperature(): number | undefined {
    return this.#temperature;
  }

  /** Takes a whole number from −49 to 299; false, and nothing changes, when it is another. */
  setTemperature(value: number): boolean {
    if (!Number.isInteger(value) || value < MIN_TEMPERATURE || value > MAX_TEMPERATURE) return false;
    if (value === this.#temperature) return true;
    this.#temperature = value;
    this.notify();
    return true;
  }

  #setReporting(isOnline: boolean): void {
    if (isOnline) {
      this.#stopReporting ??= this.#schedule.add(() => this.#report());
    } else {
      this.#stopReporting?.();
      this.#stopReporting = undefined;
    }
  }

  #report(): void {
    if (this.#wave !== undefined) this.setTemperature(this.#wave.at(Date.now()));
    const { isOn, temperature } = this;
    if (temperature === undefined) return;
    if (this.device.protocol === 2) this.device.report(isOn ? { temperature, on: true } : { on: false });
    else if (isOn) this.device.report({ temperature });
    else this.device.reportUnavailable(NO_DATA);
  }
}

function createPlain(sensor: Sensor, options: SimulatorOptions): Device {
  const { title = 'Sensor de temperatura' } = options;
  return createDevice({
    ...options,
    protocol: 1,
    title,
    telemetry: { temperature: { title: 'Temperatura', unit: '°C', type: 'number' } },
    commands: {
      turnOn: { title: 'Ligar', run: () => POWER_WORDS[sensor.turnOn()] },
      turnOff: { title: 'Desligar', run: () => POWER_WORDS[sensor.turnOff()] },
      temperature: {
        title: 'Retornar medida de temperatura',
        kind: 'read',
        answeredByDatagram: true,
        run: () => (sensor.isOn ? { Temperatura: `${sensor.temperature ?? '-----'}°C` } : NO_DATA),
      },
    },
    describe: () => ({ Descrição: title, Status: sensor.isOn ? 'Ligado' : 'Desligado' }),
  });
}

function createFramed(sensor: Sensor, options: SimulatorOptions): Device {
  const id = options.id ?? randomId('sensor', options.random);
  const words = framedWords(options.language);
  const { title = words.sensor } = options;
  return createDevice({
    telemetryBy: 'datagram',
    ...options,
    protocol: 2,
    id,
    title,
    model: 'Recado virtual sensor',
    telemetry: {
      temperature: { title: words.temperature, unit: '°C', type: 'number' },
      on: { title: words.on, type: 'boolean' },
    },
    events: { switched: { title: words.switched, data: SWITCHED_DATA } },
    commands: {
      turnOn: {
        title: words.turnOn,
        idempotent: true,
        run: () => ({ changed: sensor.turnOn() === 'turned-on', on: sensor.isOn }),
      },
      turnOff: {
        title: words.turnOff,
        idempotent: true,
        run: () => ({ changed: sensor.turnOff() === 'turned-off', on: sensor.isOn }),
      },
      temperature: {
        title: words.temperature,
        kind: 'read',
        run: () => ({ temperature: sensor.temperature ?? null, on: sensor.isOn }),
      },
    },
    describe: () => ({ title, on: sensor.isOn }),
  });
}
