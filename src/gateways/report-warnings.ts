import type { Clock } from '../base/clock.ts';
import type { LogBudget } from '../base/log-budget.ts';
import { MAX_METRIC_NAME_CHARACTERS } from '../devices/telemetry.ts';

/** Faults that are told of one connection, so that a device cannot fill the log; the others are counted only. */
const MAX_TOLD_FAULTS = 16;

/** What a gateway takes reports of devices with. */
export type ReportContext<Counters> = {
  readonly counters: Counters;
  readonly clock: Clock;
  readonly logBudget: LogBudget;
};

/** Tells what is wrong with what one device reports: each fault of each metric, or of each event, once. */
export class ReportWarnings {
  readonly #what: 'readings' | 'events';
  readonly #log: LogBudget;
  readonly #told = new Set<string>();

  constructor(what: 'readings' | 'events', log: LogBudget) {
    this.#what = what;
    this.#log = log;
  }

  /** @returns the sentence for the device, where its protocol has words for it; undefined when it was told before */
  tell(device: string, of: string, fault: string): string | undefined {
    const name = of.slice(0, MAX_METRIC_NAME_CHARACTERS);
    const key = `${name} ${fault}`;
    if (this.#told.has(key) || this.#told.size >= MAX_TOLD_FAULTS) return undefined;
    this.#told.add(key);
    const isLast = this.#told.size === MAX_TOLD_FAULTS;
    const text = `${name} ${fault}.${isLast ? ` What else is wrong with its ${this.#what} is only counted.` : ''}`;
    this.#log.write('faults of devices', { device }, `device ${device}: ${text}`, device);
    return text;
  }
}
