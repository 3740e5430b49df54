import { readTime } from '../base/read-time.ts';
import type { Device } from '../devices/device.ts';
import { ReportWarnings, type ReportContext } from './report-warnings.ts';

const BAD_TIME = 'has an "at" that is no time of RFC 3339 since 1970; it got the time of the hub';

type EventCounters = { eventsTaken: number; eventsRefused: number };

/** What one device tells that happened, checked by its description. */
export class ReportedEvents {
  readonly #context: ReportContext<EventCounters>;
  readonly #device: Device;
  readonly #warn: (text: string) => void;
  readonly #warnings: ReportWarnings;

  /** @param warn - tells the device what is wrong with its events */
  constructor(
    context: ReportContext<EventCounters>,
    device: Device,
    warn: (text: string) => void = () => {},
  ) {
    this.#context = context;
    this.#device = device;
    this.#warn = warn;
    this.#warnings = new ReportWarnings('events', context.logBudget);
  }

  take(name: string, { data, at }: Record<string, unknown>): void {
    const { counters, clock } = this.#context;
    const read = readTime(at);
    const fault = this.#device.tellEvent({ name, data, time: read ?? clock.now() });
    if (fault === undefined) counters.eventsTaken++;
    else counters.eventsRefused++;
    if (fault !== undefined) this.#tell(name, `${fault}; the event was left out`);
    else if (read === undefined && at !== undefined) this.#tell(name, BAD_TIME);
  }

  #tell(name: string, fault: string): void {
    const text = this.#warnings.tell(this.#device.id, name, fault);
    if (text !== undefined) this.#warn(text);
  }
}
