import type { DeviceEvent, DeviceEventKind, RareDeviceEvent } from '../devices/events.ts';
import { DEVICE_EVENT_KINDS } from '../devices/events.ts';
import type { MetricValue, Reading } from '../devices/reading.ts';

const FIRST_SLOTS = 1024;
/** What an event that is no reading has beside its slot. */
const OBJECT_BYTES = 256;

/** A kind's place in `DEVICE_EVENT_KINDS`. */
export const READING_KIND = DEVICE_EVENT_KINDS.indexOf('reading');

/** Of an event that is not kept: no reader wants it. */
const NO_KIND = 31;

/** The place of a kind, by name. */
export function kindIndex(kind: DeviceEventKind): number {
  return DEVICE_EVENT_KINDS.indexOf(kind);
}

/** A value that is no number, or another event than a reading. */
type Rest = RareDeviceEvent | string | boolean | undefined;

export type RingLimits = {
  /** Events that are kept; rounded up to a power of two. */
  readonly maxKeptEvents: number;
  /** What they may have in all beside their slots: texts, and events that are no readings. */
  readonly maxKeptBytes: number;
};

/**
 * The latest events, by number. Readings, which come by the hundred thousand, are kept in columns: nothing is made for
 * one before it is read. It grows as it is used, up to its limit; then the oldest goes for each that comes.
 */
export class EventRing {
  /** The number of the oldest one that is kept. */
  first = 1;
  /** From this number on, all are kept that were to be kept. */
  wholeFrom = 1;
  /** The number that the next one gets. */
  end = 1;
  /** What is kept beside the slots. */
  bytes = 0;
  readonly #maxSlots: number;
  readonly #maxBytes: number;
  readonly #onGrow: (slots: number) => void;
  #mask = FIRST_SLOTS - 1;
  #kinds = new Uint8Array(FIRST_SLOTS);
  #times = new Float64Array(FIRST_SLOTS);
  #numbers = new Float64Array(FIRST_SLOTS);
  #deviceIds: (string | undefined)[] = emptyColumn(FIRST_SLOTS);
  #metrics: (string | undefined)[] = emptyColumn(FIRST_SLOTS);
  #units: (string | undefined)[] = emptyColumn(FIRST_SLOTS);
  #rest: Rest[] = emptyColumn(FIRST_SLOTS);

  /** @param onGrow - told how many slots there are, first of all those that it begins with */
  constructor({ maxKeptEvents, maxKeptBytes }: RingLimits, onGrow: (slots: number) => void) {
    this.#maxSlots = Math.max(FIRST_SLOTS, 2 ** Math.ceil(Math.log2(maxKeptEvents)));
    this.#maxBytes = maxKeptBytes;
    this.#onGrow = onGrow;
    onGrow(FIRST_SLOTS);
  }

  /** An event takes its number and is not kept. */
  skip(): void {
    if (this.first === this.end) this.first = ++this.end;
    else this.#kinds[this.#take()] = NO_KIND;
  }

  add(event: RareDeviceEvent): void {
    const slot = this.#take();
    this.#kinds[slot] = kindIndex(event.kind);
    this.#deviceIds[slot] = event.deviceId;
    this.#keep(slot, event);
  }

  addReading(deviceId: string, { metric, value, unit, time }: Reading): void {
    const slot = this.#take();
    this.#kinds[slot] = READING_KIND;
    this.#deviceIds[slot] = deviceId;
    this.#metrics[slot] = metric;
    this.#units[slot] = unit;
    this.#times[slot] = time;
    if (typeof value === 'number') this.#numbers[slot] = value;
    else this.#keep(slot, value);
  }

  /** Of one that is kept. */
  deviceIdOf(sequence: number): string {
    return this.#deviceIds[sequence & this.#mask]!;
  }

  /** Of one that is kept: its place in `DEVICE_EVENT_KINDS`. */
  kindOf(sequence: number): number {
    return this.#kinds[sequence & this.#mask]!;
  }

  /** One that is kept. */
  read(sequence: number): DeviceEvent {
    const slot = sequence & this.#mask;
    const rest = this.#rest[slot];
    if (typeof rest === 'object') return rest;
    const value: MetricValue = rest ?? this.#numbers[slot]!;
    return {
      kind: 'reading',
      deviceId: this.#deviceIds[slot]!,
      time: this.#times[slot]!,
      metric: this.#metrics[slot]!,
      value,
      unit: this.#units[slot],
    };
  }

  /** The slot of the next number, empty. */
  #take(): number {
    if (this.end - this.first > this.#mask) {
      if (this.#mask + 1 < this.#maxSlots) this.#grow();
      else this.#dropOldest();
    }
    return this.end++ & this.#mask;
  }

  #keep(slot: number, rest: NonNullable<Rest>): void {
    this.#rest[slot] = rest;
    this.bytes += bytesOf(rest);
    while (this.bytes > this.#maxBytes && this.first < this.end - 1) this.#dropOldest();
  }

  #dropOldest(): void {
    const slot = this.first++ & this.#mask;
    this.wholeFrom = this.first;
    const rest = this.#rest[slot];
    if (rest === undefined) return;
    this.#rest[slot] = undefined;
    this.bytes -= bytesOf(rest);
  }

  #grow(): void {
    const slots = (this.#mask + 1) * 2;
    const mask = slots - 1;
    const moved = <T extends Uint8Array | Float64Array | unknown[]>(from: T, to: T): T => {
      for (let sequence = this.first; sequence < this.end; sequence++)
        to[sequence & mask] = from[sequence & this.#mask]!;
      return to;
    };
    this.#kinds = moved(this.#kinds, new Uint8Array(slots));
    this.#times = moved(this.#times, new Float64Array(slots));
    this.#numbers = moved(this.#numbers, new Float64Array(slots));
    this.#deviceIds = moved(this.#deviceIds, emptyColumn(slots));
    this.#metrics = moved(this.#metrics, emptyColumn(slots));
    this.#units = moved(this.#units, emptyColumn(slots));
    this.#rest = moved(this.#rest, emptyColumn(slots));
    this.#mask = mask;
    this.#onGrow(slots);
  }
}

function emptyColumn<T>(slots: number): (T | undefined)[] {
  return Array.from<T | undefined>({ length: slots }).fill(undefined);
}

function bytesOf(rest: NonNullable<Rest>): number {
  if (typeof rest === 'string') return rest.length;
  if (typeof rest === 'boolean') return 0;
  if (rest.kind === 'unavailable') return OBJECT_BYTES + rest.reason.length;
  return OBJECT_BYTES + (rest.kind === 'event' ? (rest.data?.length ?? 0) : 0);
}
