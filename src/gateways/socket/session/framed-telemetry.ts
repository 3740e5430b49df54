import { readTime } from '../../../base/read-time.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { Device } from '../../../devices/device.ts';
import { findValueFault, type MetricValue } from '../../../devices/reading.ts';
import type { SessionContext } from './device-session.ts';
import { ReportWarnings } from './report-warnings.ts';

const BAD_TIME = 'is no time of RFC 3339 since 1970; the readings got the time of the hub';

/** What one framed device reports, on its connection and in its datagrams. */
export class FramedTelemetry {
  readonly #context: SessionContext;
  readonly #device: Device;
  readonly #warn: (text: string) => void;
  readonly #warnings: ReportWarnings;

  /** @param warn - tells the device what is wrong with its readings */
  constructor(context: SessionContext, device: Device, warn: (text: string) => void) {
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
