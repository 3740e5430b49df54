/** What a device can report as the value of a metric. */
export type MetricValue = number | string | boolean;

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
export const MAX_METRIC_VALUE_CHARACTERS = 1024;

type MutableReading = { -readonly [K in keyof Reading]: Reading[K] };

/** The latest readings of one device. */
export class Telemetry {
  readonly #latest = new Map<string, MutableReading>();
  #unavailable: { readonly reason: string; readonly time: number } | undefined;
  /** Readings taken since the hub started. */
  observed = 0;
  /** Readings refused: too many metrics, or a name or value too long. */
  refused = 0;

  /** Keeps one reading as the latest of its metric. False when it breaks a limit; it is then counted and left out. */
  observe(metric: string, value: MetricValue, unit: string | undefined, time: number): boolean {
    const latest = this.#latest.get(metric);
    if (typeof value === 'string' && value.length > MAX_METRIC_VALUE_CHARACTERS) return this.#refuse();
    if (latest === undefined) {
      if (metric.length > MAX_METRIC_NAME_CHARACTERS || this.#latest.size >= MAX_METRICS_PER_DEVICE)
        return this.#refuse();
      this.#latest.set(metric, { metric, value, unit, time });
    } else {
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

  #refuse(): false {
    this.refused++;
    return false;
  }
}
