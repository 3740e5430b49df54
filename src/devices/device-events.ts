import type { Clock } from '../base/clock.ts';
import type { Issue } from '../base/errors.ts';
import type { JsonSchema } from './command.ts';
import type { EventFeed } from './events.ts';
import type { KeptDescription } from './kept-description.ts';

/** What is wrong with a value by a schema of a device; empty when it fits. */
export type ValueCheck = (schema: JsonSchema, value: unknown) => readonly Issue[];

export type DeviceEventLimits = {
  /** Largest data of an event, as JSON. */
  readonly maxEventBytes: number;
  /** Most events of one device. */
  readonly maxEventsPerSecond: number;
};

type DeviceEventsParts = {
  readonly limits: DeviceEventLimits;
  readonly check: ValueCheck;
  readonly feed: EventFeed;
  readonly clock: Clock;
};

/** The events that one device tells: checked by its description, and no more of them than anybody could follow. */
export class DeviceEvents {
  readonly #deviceId: string;
  readonly #parts: DeviceEventsParts;
  /** How many it may tell at once. */
  #allowance: number;
  #countedAt: number;

  constructor(deviceId: string, parts: DeviceEventsParts) {
    this.#deviceId = deviceId;
    this.#parts = parts;
    this.#allowance = parts.limits.maxEventsPerSecond;
    this.#countedAt = parts.clock.monotonic();
  }

  /**
   * Tells the feed that something happened.
   *
   * @param data - a JSON value; undefined for none
   * @param time - when; wall time, ms
   * @returns what is wrong, after the name of the event; nobody is told of it then
   */
  take(
    { name, data, time }: { readonly name: string; readonly data: unknown; readonly time: number },
    kept: KeptDescription,
  ): string | undefined {
    const { limits, check, feed } = this.#parts;
    const described = kept.event(name);
    if (described === undefined) return 'is no event of its description';
    if (!this.#spend()) return `comes more often than ${limits.maxEventsPerSecond} events a second`;
    const text = data === undefined ? undefined : JSON.stringify(data);
    if (text !== undefined && text.length > limits.maxEventBytes)
      return `has data of more than ${limits.maxEventBytes} bytes`;
    const [issue] = described.data === undefined ? [] : check(described.data, data ?? null);
    if (issue !== undefined) return `has data that does not fit: ${issue.pointer || 'it'} ${issue.message}`;
    feed.publish({ kind: 'event', deviceId: this.#deviceId, time, name: described.name, data: text });
    return undefined;
  }

  #spend(): boolean {
    const { maxEventsPerSecond } = this.#parts.limits;
    const now = this.#parts.clock.monotonic();
    const earned = ((now - this.#countedAt) * maxEventsPerSecond) / 1000;
    this.#allowance = Math.min(maxEventsPerSecond, this.#allowance + earned);
    this.#countedAt = now;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }
}
