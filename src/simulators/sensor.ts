import { createDevice, type Device } from '../device/index.ts';
import type { ReportSchedule } from './report-schedule.ts';
import { SensorModel, type PowerResult } from './sensor-model.ts';
import { randomId, Simulator, type SimulatorOptions } from './simulator.ts';
import type { Wave } from './wave.ts';

export type SensorOptions = SimulatorOptions & {
  /** In °C: a whole number from −49 to 299. Without one it reports nothing until one is set. */
  readonly temperature?: number;
  /** Makes the temperature move by itself. */
  readonly wave?: Wave;
  readonly schedule: ReportSchedule;
};

const WORDS: Readonly<Record<PowerResult, string>> = {
  'turned-on': 'Dispositivo ligado',
  'already-on': 'Dispositivo já está ligado',
  'turned-off': 'Dispositivo desligado',
  'already-off': 'Dispositivo já está desligado',
};
const NO_DATA = 'Dispositivo desligado, não é possível coletar os dados';

/** The virtual temperature sensor: turned on and off by command, its temperature in a datagram each 0.8 s. */
export class Sensor extends Simulator {
  readonly kind = 'sensor';
  protected readonly device: Device;
  readonly #model: SensorModel;
  readonly #wave: Wave | undefined;
  readonly #schedule: ReportSchedule;
  #stopReporting: (() => void) | undefined;

  constructor({ temperature, wave, schedule, isOn = false, ...options }: SensorOptions) {
    super();
    this.#model = new SensorModel({ isOn });
    if (temperature !== undefined) this.#model.setTemperature(temperature);
    this.#wave = wave;
    this.#schedule = schedule;
    this.device =
      options.protocol === 2 ? createFramed(this.#model, options) : createPlain(this.#model, options);
    this.#model.onChange = this.notify;
    this.device.watch(({ status }) => {
      this.#setReporting(status === 'online');
      this.notify();
    });
  }

  get isOn(): boolean {
    return this.#model.isOn;
  }

  /** In °C. */
  get temperature(): number | undefined {
    return this.#model.temperature;
  }

  turnOn(): PowerResult {
    return this.#model.turnOn();
  }

  turnOff(): PowerResult {
    return this.#model.turnOff();
  }

  /** Takes a whole number from −49 to 299; false, and nothing changes, when it is another. */
  setTemperature(value: number): boolean {
    return this.#model.setTemperature(value);
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
    if (this.#wave !== undefined) this.#model.setTemperature(this.#wave.at(Date.now()));
    const { isOn, temperature } = this.#model;
    if (temperature === undefined) return;
    if (this.device.protocol === 2) this.device.report(isOn ? { temperature, on: true } : { on: false });
    else if (isOn) this.device.report({ temperature });
    else this.device.reportUnavailable(NO_DATA);
  }
}

function createPlain(model: SensorModel, options: SimulatorOptions): Device {
  return createDevice({
    ...options,
    protocol: 1,
    title: 'Sensor de temperatura',
    telemetry: { temperature: { title: 'Temperatura', unit: '°C', type: 'number' } },
    commands: {
      turnOn: { title: 'Ligar', run: () => WORDS[model.turnOn()] },
      turnOff: { title: 'Desligar', run: () => WORDS[model.turnOff()] },
      temperature: {
        title: 'Retornar medida de temperatura',
        kind: 'read',
        answeredByDatagram: true,
        run: () => (model.isOn ? { Temperatura: `${model.temperature ?? '-----'}°C` } : NO_DATA),
      },
    },
    describe: () => ({ Descrição: 'Sensor de temperatura', Status: model.isOn ? 'Ligado' : 'Desligado' }),
  });
}

function createFramed(model: SensorModel, options: SimulatorOptions): Device {
  const id = options.id ?? randomId('sensor', options.random);
  const isChange = (result: PowerResult): boolean => result === 'turned-on' || result === 'turned-off';
  return createDevice({
    telemetryBy: 'datagram',
    ...options,
    protocol: 2,
    id,
    title: 'Temperature sensor',
    model: 'Recado virtual sensor',
    telemetry: {
      temperature: { title: 'Temperature', unit: '°C', type: 'number' },
      on: { title: 'Turned on', type: 'boolean' },
    },
    commands: {
      turnOn: {
        title: 'Turn on',
        idempotent: true,
        run: () => ({ changed: isChange(model.turnOn()), on: model.isOn }),
      },
      turnOff: {
        title: 'Turn off',
        idempotent: true,
        run: () => ({ changed: isChange(model.turnOff()), on: model.isOn }),
      },
      temperature: {
        title: 'Temperature',
        kind: 'read',
        run: () => ({ temperature: model.temperature ?? null, on: model.isOn }),
      },
    },
    describe: () => ({ title: 'Temperature sensor', on: model.isOn }),
  });
}
