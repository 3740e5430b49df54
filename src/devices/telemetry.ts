import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';
import type { EventFeed } from './events.ts';
import type { MetricValue, Reading } from './reading.ts';

export const MAX_METRICS_PER_DEVICE = 256;
export const MAX_METRIC_NAME_CHARACTERS = 128;
const MAX_METRIC_VALUE_CHARACTERS = 1024;

const TEXT_TOO_LONG = `has more than ${MAX_METRIC_VALUE_CHARACTERS} characters`;
const NAME_TOO_LONG = `has a name of more than ${MAX_METRIC_NAME_CHARACTERS} characters`;
const NAME_NO_TEXT = 'has a name with half a character (a lone surrogate)';
const TOO_MANY_METRICS = `is one more than the ${MAX_METRICS_PER_DEVICE} metrics that are kept for a device`;
const NO_ROOM = 'has no room: the hub keeps as many readings as it may';

type MutableReading = { -readonly [K in keyof Reading]: Reading[K] };

/** The latest readings of one device. */
export class Telemetry {
  readonly #latest = new Map<string, MutableReading>();
  readonly #deviceId: string;
  readonly #feed: EventFeed;
  #party: Party;
  #unavailable: { readonly reason: string; readonly time: number } | undefined;
  /** Readings taken since the hub started. */
  observed = 0;

  /** @param party - to whom the readings are booked */
  constructor(deviceId: string, party: Party, feed: EventFeed) {
    this.#deviceId = deviceId;
    this.#party = party;
    this.#feed = feed;
  }

  /**
   * Keeps one reading as the latest of its metric, and tells the feed.
   *
   * @returns the limit that it breaks, after the name of its metric; it is left out then
   */
  observe(metric: string, value: MetricValue, unit: string | undefined, time: number): string | undefined {
    let latest = this.#latest.get(metric);
    if (typeof value === 'string' && value.length > MAX_METRIC_VALUE_CHARACTERS) return TEXT_TOO_LONG;
    if (latest === undefined) {
      if (metric.length > MAX_METRIC_NAME_CHARACTERS) return NAME_TOO_LONG;
      if (!metric.isWellFormed()) return NAME_NO_TEXT;
      if (this.#latest.size >= MAX_METRICS_PER_DEVICE) return TOO_MANY_METRICS;
      if (!this.#party.book(KeptKind.READING, readingCost(metric, value))) return NO_ROOM;
      latest = { metric, value, unit, time };
      this.#latest.set(metric, latest);
    } else {
      if (!this.#bookAnew(latest, value)) return NO_ROOM;
      latest.value = value;
      latest.unit = unit;
      latest.time = time;
    }
    this.observed++;
    this.#forgetUnavailable();
    this.#feed.publishReading(this.#deviceId, latest);
    return undefined;
  }

  /** The device says that it has nothing to report, and why. The readings before stay, with their times. */
  observeUnavailable(reason: string, time: number): void {
    const before = this.#unavailable?.reason;
    this.#forgetUnavailable();
    // A copy: a part of a text keeps all of it.
    const isLong = reason.length > MAX_METRIC_VALUE_CHARACTERS;
    const kept = isLong ? Buffer.from(reason.slice(0, MAX_METRIC_VALUE_CHARACTERS)).toString() : reason;
    if (!this.#party.book(KeptKind.READING, readingCost('', kept))) return;
    this.#unavailable = { reason: kept, time };
    // Some devices say it as often as they would report.
    if (kept === before) return;
    this.#feed.publish({ kind: 'unavailable', deviceId: this.#deviceId, time, reason: kept });
  }

  get unavailable(): { readonly reason: string; readonly time: number } | undefined {
    return this.#unavailable;
  }

  get size(): number {
    return this.#latest.size;
  }

  /** The latest reading of a metric; undefined when there is none. */
  get(metric: string): Reading | undefined {
    return this.#latest.get(metric);
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
    this.#forgetUnavailable();
    this.#party = party;
  }

  /** Gives everything back: its device is another, or off the list. */
  forget(): void {
    for (const { metric, value } of this.#latest.values())
      this.#party.release(KeptKind.READING, readingCost(metric, value));
    this.#latest.clear();
    this.#forgetUnavailable();
  }

  #forgetUnavailable(): void {
    if (this.#unavailable === undefined) return;
    this.#party.release(KeptKind.READING, readingCost('', this.#unavailable.reason));
    this.#unavailable = undefined;
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
}

function readingCost(metric: string, value: MetricValue): number {
  return costOf(KeptKind.READING, metric.length + (typeof value === 'string' ? value.length : 0));
}
