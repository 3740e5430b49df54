import type { LogBudget } from '../../../base/log-budget.ts';
import { MAX_METRIC_NAME_CHARACTERS } from '../../../devices/telemetry.ts';

/** Faults that are told on one connection, so that a device cannot fill the log; the others are counted only. */
const MAX_TOLD_FAULTS = 16;
const THE_LAST = 'What else is wrong with its readings is only counted.';

/** Tells what is wrong with the readings of one connection: each fault of each metric once. */
export class ReadingWarnings {
  readonly #log: LogBudget;
  readonly #told = new Set<string>();

  constructor(log: LogBudget) {
    this.#log = log;
  }

  /** @returns the sentence for the device, where its protocol has words for it; undefined when it was told before */
  tell(device: string, metric: string, fault: string): string | undefined {
    const name = metric.slice(0, MAX_METRIC_NAME_CHARACTERS);
    const key = `${name} ${fault}`;
    if (this.#told.has(key) || this.#told.size >= MAX_TOLD_FAULTS) return undefined;
    this.#told.add(key);
    const text = `${name} ${fault}.${this.#told.size === MAX_TOLD_FAULTS ? ` ${THE_LAST}` : ''}`;
    this.#log.write('faults of devices', { device }, `device ${device}: ${text}`, device);
    return text;
  }
}
