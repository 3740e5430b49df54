import { readTime } from '../base/read-time.ts';
import { isJsonObject } from '../base/json.ts';
import type { Device } from '../devices/device.ts';
import { findValueFault, type MetricValue } from '../devices/reading.ts';
import { ReportWarnings, type ReportContext } from './report-warnings.ts';

const BAD_TIME = 'is no time of RFC 3339 since 1970; the readings got the time of the hub';

type ReadingCounters = {
  /** Times that could not be read: the readings got the time of the hub. */
  readingTimesInvalid: number;
  /** Left out, because they are none, or there is no room. */
  readingsRefused: number;
};

/** The readings that one device reports, checked by its description. */
export class ReportedReadings {
  readonly #context: ReportContext<ReadingCounters>;
  readonly #device: Device;
  readonly #warn: (text: string) => void;
  readonly #warnings: ReportWarnings;

  /** @param warn - tells the device what is wrong with its readings */
  constructor(
    context: ReportContext<ReadingCounters>,
    device: Device,
    warn: (text: string) => void = () => {},
  ) {
    this.#context = context;
    this.#device = device;
    this.#warn = warn;
    this.#warnings = new ReportWarnings('readings', context.logBudget);
  }

  /** Keeps the readings of a message as the latest of the device; false when it has none. */
  take({ telemetry, at }: Record<string, unknown>): boolean {
    if (!isJsonObject(telemetry)) return false;
    const { counters, clock } = this.#context;
    const read = readTime(at);
    if (read === undefined && at !== undefined) {
      counters.readingTimesInvalid++;
      this.#tell('at', BAD_TIME);
    }
    const time = read ?? clock.now();
    for (const [metric, value] of Object.entries(telemetry)) {
      const fault = this.#observe(metric, value, time);
      if (fault === undefined) continue;
      counters.readingsRefused++;
      this.#tell(metric, `${fault}; the reading was left out`);
    }
    return true;
  }

  #observe(metric: string, value: unknown, time: number): string | undefined {
    const { description, telemetry } = this.#device;
    const described = description.telemetry.find((item) => item.metric === metric);
    return (
      findValueFault(value, described?.type) ??
      telemetry.observe(metric, value as MetricValue, described?.unit, time)
    );
  }

  #tell(metric: string, fault: string): void {
    const text = this.#warnings.tell(this.#device.id, metric, fault);
    if (text !== undefined) this.#warn(text);
  }
}
