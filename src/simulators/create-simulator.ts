import { Radio } from './radio.ts';
import { ReportSchedule } from './report-schedule.ts';
import { Sensor } from './sensor.ts';
import type { SimulatorOptions } from './simulator.ts';
import { Wave } from './wave.ts';

export type SimulatorChoice = SimulatorOptions & {
  readonly kind: 'sensor' | 'radio';
  /** Sensors: in °C. */
  readonly temperature?: number | undefined;
  /** Sensors: a temperature that moves by itself. */
  readonly isWave?: boolean;
  /** Sensors: shared by many. */
  readonly schedule?: ReportSchedule;
};

/** A virtual device of either kind. */
export function createSimulator(choice: SimulatorChoice): Sensor | Radio {
  const { kind, temperature, isWave = false, schedule = new ReportSchedule(), ...options } = choice;
  if (kind === 'radio') return new Radio(options);
  const center = temperature === undefined ? {} : { center: temperature };
  const start = temperature === undefined ? {} : { temperature };
  return new Sensor({ ...options, ...start, schedule, ...(isWave && { wave: new Wave(center) }) });
}
