import { costOf, KeptKind } from '../base/kept-kinds.ts';
import { OWN_PARTY, type Ledger, type Party } from '../base/ledger.ts';
import {
  DEVICE_EVENT_KINDS,
  type DeviceEvent,
  type EventFeed,
  type EventInterest,
  type FeedReader,
  type MissedEvents,
  type RareDeviceEvent,
} from '../devices/events.ts';
import type { Reading } from '../devices/reading.ts';
import { EventRing, kindIndex, READING_KIND, type RingLimits } from './event-ring.ts';

/** Events that a reader that follows closely may leave for later; beyond, it looks through the ring. */
const MAX_NOTED = 256;

/**
 * All that happens at the devices of a hub, in one order: kept in one ring for all who read it. A kind is kept from its
 * first reader on: nobody comes back for what was before it, and every command would have the collector copy what is
 * kept of it.
 */
export class Feed implements EventFeed {
  readonly #ring: EventRing;
  readonly #party: Party;
  #bookedBytes = 0;
  /** The first number that may be of a kind that is kept; by kind. */
  readonly #keptFrom = DEVICE_EVENT_KINDS.map(() => Number.POSITIVE_INFINITY);
  readonly #ofAll: Reader[] = [];
  readonly #ofDevice = new Map<string, Reader[]>();

  constructor(limits: RingLimits, ledger: Ledger) {
    const party = ledger.open(OWN_PARTY);
    this.#party = party;
    let bookedSlots = 0;
    this.#ring = new EventRing(limits, (slots) => {
      const added = slots - bookedSlots;
      party.change(KeptKind.EVENT, added * costOf(KeptKind.EVENT, 0), added);
      bookedSlots = slots;
    });
  }

  get last(): number {
    return this.#ring.end - 1;
  }

  publish(event: RareDeviceEvent): void {
    const kind = kindIndex(event.kind);
    if (this.#keptFrom[kind] === Number.POSITIVE_INFINITY) return this.#ring.skip();
    this.#ring.add(event);
    this.#tell(event.deviceId, kind);
  }

  publishReading(deviceId: string, reading: Reading): void {
    if (this.#keptFrom[READING_KIND] === Number.POSITIVE_INFINITY) return this.#ring.skip();
    this.#ring.addReading(deviceId, reading);
    this.#tell(deviceId, READING_KIND);
  }

  open(
    interest: EventInterest,
    { after, wake }: { readonly after?: number | undefined; readonly wake: () => void },
  ): FeedReader | undefined {
    const keptFrom = Math.max(this.#ring.wholeFrom, this.#keep(interest));
    if (after !== undefined && (after < keptFrom - 1 || after > this.last)) return undefined;
    const reader = new Reader(this.#ring, interest, { after: after ?? this.last, wake });
    const lists = this.#listsOf(interest);
    for (const list of lists) list.push(reader);
    reader.onClose = () => this.#close(reader, interest);
    return reader;
  }

  /** @returns the number from which on all kinds that are wanted are kept */
  #keep({ kinds }: EventInterest): number {
    const wanted = [...(kinds ?? DEVICE_EVENT_KINDS)].map(kindIndex);
    for (const kind of wanted) this.#keptFrom[kind] = Math.min(this.#keptFrom[kind]!, this.#ring.end);
    return Math.max(...wanted.map((kind) => this.#keptFrom[kind]!));
  }

  #tell(deviceId: string, kind: number): void {
    if (this.#ring.bytes !== this.#bookedBytes) this.#book();
    for (const reader of this.#ofAll) reader.note(deviceId, kind);
    if (this.#ofDevice.size === 0) return;
    const readers = this.#ofDevice.get(deviceId);
    if (readers !== undefined) for (const reader of readers) reader.note(deviceId, kind);
  }

  #book(): void {
    const { bytes } = this.#ring;
    this.#party.change(KeptKind.EVENT, bytes - this.#bookedBytes, 0);
    this.#bookedBytes = bytes;
  }

  #listsOf({ devices }: EventInterest): Reader[][] {
    if (devices === undefined) return [this.#ofAll];
    return [...devices].map((deviceId) => {
      const known = this.#ofDevice.get(deviceId) ?? [];
      this.#ofDevice.set(deviceId, known);
      return known;
    });
  }

  #close(reader: Reader, { devices }: EventInterest): void {
    for (const list of this.#listsOf({ devices, kinds: undefined })) {
      const index = list.indexOf(reader);
      if (index >= 0) list.splice(index, 1);
    }
    for (const deviceId of devices ?? [])
      if (this.#ofDevice.get(deviceId)?.length === 0) this.#ofDevice.delete(deviceId);
  }
}

/**
 * `following`: what it wants is noted by number as it comes. `searching`: it came late, or more came than are noted, and
 * it looks through the ring from `#cursor` on until it is at its end.
 */
type ReaderState = 'following' | 'searching' | 'closed';

class Reader implements FeedReader {
  onClose: (() => void) | undefined;
  readonly #ring: EventRing;
  readonly #devices: ReadonlySet<string> | undefined;
  readonly #isPermitted: ((deviceId: string) => boolean) | undefined;
  /** A bit for each kind. */
  readonly #kinds: number;
  readonly #wake: () => void;
  readonly #noted = new Float64Array(MAX_NOTED);
  #firstNoted = 0;
  #notedCount = 0;
  #state: ReaderState;
  /** The number that it looks at next. */
  #cursor: number;
  /** Events that it wanted and has not read, kept or not. */
  #pending: number;
  #isAsleep = false;

  constructor(
    ring: EventRing,
    { devices, isPermitted, kinds }: EventInterest,
    { after, wake }: { readonly after: number; readonly wake: () => void },
  ) {
    this.#ring = ring;
    this.#devices = devices;
    this.#isPermitted = isPermitted;
    this.#kinds =
      kinds === undefined ? ~0 : [...kinds].reduce((bits, kind) => bits | (1 << kindIndex(kind)), 0);
    this.#wake = wake;
    // What is between was wanted by nobody, or it would be there.
    this.#cursor = Math.max(after + 1, ring.first);
    this.#pending = this.#count();
    this.#state = this.#pending > 0 ? 'searching' : 'following';
  }

  get position(): number {
    // One that has nothing to read has read all that there is.
    return this.#pending === 0 ? this.#ring.end - 1 : this.#cursor - 1;
  }

  /** One of its devices has published the last event of the ring. */
  note(deviceId: string, kind: number): void {
    if ((this.#kinds & (1 << kind)) === 0 || this.#isPermitted?.(deviceId) === false) return;
    this.#pending++;
    if (this.#state === 'following') {
      if (this.#notedCount < MAX_NOTED) {
        this.#noted[(this.#firstNoted + this.#notedCount++) % MAX_NOTED] = this.#ring.end - 1;
      } else {
        this.#search(this.#noted[this.#firstNoted]!);
      }
    }
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    this.#wake();
  }

  next(): DeviceEvent | MissedEvents | undefined {
    if (this.#state === 'closed') return undefined;
    if (this.#pending === 0) {
      this.#state = 'following';
      this.#isAsleep = true;
      return undefined;
    }
    if (this.#state === 'following') {
      const sequence = this.#noted[this.#firstNoted]!;
      if (sequence >= this.#ring.first) {
        this.#firstNoted = (this.#firstNoted + 1) % MAX_NOTED;
        this.#notedCount--;
        return this.#take(sequence);
      }
      this.#search(sequence);
    }
    return this.#missed() ?? this.#find();
  }

  close(): void {
    this.#state = 'closed';
    this.onClose?.();
    this.onClose = undefined;
  }

  #search(from: number): void {
    this.#state = 'searching';
    this.#cursor = from;
    this.#firstNoted = 0;
    this.#notedCount = 0;
  }

  /** Where the ring has let go what this reader has not looked at: what of it was wanted. */
  #missed(): MissedEvents | undefined {
    const { first } = this.#ring;
    if (this.#cursor >= first) return undefined;
    this.#cursor = first;
    const kept = this.#count();
    const count = this.#pending - kept;
    this.#pending = kept;
    return count === 0 ? undefined : { kind: 'missed', count };
  }

  #find(): DeviceEvent | MissedEvents | undefined {
    const { end } = this.#ring;
    for (let sequence = this.#cursor; sequence < end; sequence++)
      if (this.#wants(sequence)) return this.#take(sequence);
    // All that it wanted was missed, and told.
    return this.next();
  }

  #take(sequence: number): DeviceEvent {
    this.#cursor = sequence + 1;
    this.#pending--;
    return this.#ring.read(sequence);
  }

  #count(): number {
    let count = 0;
    for (let sequence = this.#cursor; sequence < this.#ring.end; sequence++)
      if (this.#wants(sequence)) count++;
    return count;
  }

  #wants(sequence: number): boolean {
    if ((this.#kinds & (1 << this.#ring.kindOf(sequence))) === 0) return false;
    const deviceId = this.#ring.deviceIdOf(sequence);
    return this.#devices?.has(deviceId) !== false && this.#isPermitted?.(deviceId) !== false;
  }
}
