import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';

/** What a device can report as the value of a metric. */
export type MetricValue = number | string | boolean;

export function isMetricValue(value: unknown): value is MetricValue {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** The latest value of one metric. */
export type Reading = {
  readonly metric: string;
  readonly value: MetricValue;
  readonly unit: string | undefined;
  /** When it was read; wall time, ms. */
  readonly time: number;
};

export const MAX_METRICS_PER_DEVICE = 256;
export const MAX_METRIC_NAME_CHARACTERS = 128;
const MAX_METRIC_VALUE_CHARACTERS = 1024;

type MutableReading = { -readonly [K in keyof Reading]: Reading[K] };

/** The latest readings of one device. */
export class Telemetry {
  readonly #latest = new Map<string, MutableReading>();
  #party: Party;
  #unavailable: { readonly reason: string; readonly time: number } | undefined;
  /** Readings taken since the hub started. */
  observed = 0;
  /** Readings refused: too many metrics, or a name or value too long. */
  refused = 0;

  /** @param party - to whom the readings are booked */
  constructor(party: Party) {
    this.#party = party;
  }

  /** Keeps one reading as the latest of its metric. False when it breaks a limit; it is then counted and left out. */
  observe(metric: string, value: MetricValue, unit: string | undefined, time: number): boolean {
    const latest = this.#latest.get(metric);
    if (typeof value === 'string' && value.length > MAX_METRIC_VALUE_CHARACTERS) return this.#refuse();
    if (latest === undefined) {
      if (metric.length > MAX_METRIC_NAME_CHARACTERS || this.#latest.size >= MAX_METRICS_PER_DEVICE)
        return this.#refuse();
      if (!this.#party.book(KeptKind.READING, readingCost(metric, value))) return this.#refuse();
      this.#latest.set(metric, { metric, value, unit, time });
    } else {
      if (!this.#bookAnew(latest, value)) return this.#refuse();
      latest.value = value;
      latest.unit = unit;
      latest.time = time;
    }
    this.observed++;
    this.#unavailable = undefined;
    return true;
  }

  /** The device says that it has nothing to report, and why. The readings before stay, with their times. */
  observeUnavailable(reason: string, time: number): void {
    this.#unavailable = { reason: reason.slice(0, MAX_METRIC_VALUE_CHARACTERS), time };
  }

  get unavailable(): { readonly reason: string; readonly time: number } | undefined {
    return this.#unavailable;
  }

  get size(): number {
    return this.#latest.size;
  }

  latest(): readonly Reading[] {
    return [...this.#latest.values()];
  }

  /** The device came back as somebody else: from another address, say. */
  moveTo(party: Party): void {
    if (party === this.#party) return;
    for (const { metric, value } of this.#latest.values()) {
      const cost = readingCost(metric, value);
      this.#party.release(KeptKind.READING, cost);
      party.charge(KeptKind.READING, cost);
    }
    this.#party = party;
  }

  /** Gives everything back: its device is another, or off the list. */
  forget(): void {
    for (const { metric, value } of this.#latest.values())
      this.#party.release(KeptKind.READING, readingCost(metric, value));
    this.#latest.clear();
  }

  /** A longer text takes the place of a shorter one, or the other way round. */
  #bookAnew({ metric, value: before }: Reading, value: MetricValue): boolean {
    const costBefore = readingCost(metric, before);
    const cost = readingCost(metric, value);
    if (cost === costBefore) return true;
    if (!this.#party.book(KeptKind.READING, cost)) return false;
    this.#party.release(KeptKind.READING, costBefore);
    return true;
  }

  #refuse(): false {
    this.refused++;
    return false;
  }
}

function readingCost(metric: string, value: MetricValue): number {
  return costOf(KeptKind.READING, metric.length + (typeof value === 'string' ? value.length : 0));
}
