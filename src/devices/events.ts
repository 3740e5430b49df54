import type { InvocationSnapshot } from './invocation-snapshot.ts';
import type { Presence } from './presence.ts';
import type { MetricValue, Reading } from './reading.ts';

/** What can happen at a device. Stable: programs ask for kinds by name. */
export const DEVICE_EVENT_KINDS = [
  'presence',
  'description',
  'reading',
  'unavailable',
  'invocation',
  'event',
  'forgotten',
] as const;
export type DeviceEventKind = (typeof DEVICE_EVENT_KINDS)[number];

type Happened = {
  readonly deviceId: string;
  /** Wall time, ms. */
  readonly time: number;
};

/** One reading that came. */
type ReadingEvent = Happened & {
  readonly kind: 'reading';
  readonly metric: string;
  readonly value: MetricValue;
  readonly unit: string | undefined;
};

/** What happened at a device, except that it was read. */
export type RareDeviceEvent = Happened &
  (
    | { readonly kind: 'presence'; readonly presence: Presence }
    /** It describes itself, or does so otherwise than before. */
    | {
        readonly kind: 'description';
        readonly title: string | undefined;
        readonly model: string | undefined;
        readonly commandCount: number;
        /** The hub has not met it before. */
        readonly isNew: boolean;
      }
    /** It has nothing to report, and says why; told when it says so first. */
    | { readonly kind: 'unavailable'; readonly reason: string }
    /** The hub accepted an invocation, or it ended. */
    | { readonly kind: 'invocation'; readonly invocation: InvocationSnapshot }
    /** The device told that something happened; `data` is JSON, undefined when it sent none. */
    | { readonly kind: 'event'; readonly name: string; readonly data: string | undefined }
    /** It is off the list. */
    | { readonly kind: 'forgotten' }
  );

export type DeviceEvent = ReadingEvent | RareDeviceEvent;

/** Events that a reader wanted, and that were not kept until it came to them. */
export type MissedEvents = { readonly kind: 'missed'; readonly count: number };

/** What a reader wants to know; the rest costs it nothing. */
export type EventInterest = {
  /** Ids of devices, known or not yet known; undefined: all. */
  readonly devices: ReadonlySet<string> | undefined;
  /** Of these only those; undefined: all. */
  readonly isPermitted?: (deviceId: string) => boolean;
  /** Undefined: all. */
  readonly kinds: ReadonlySet<DeviceEventKind> | undefined;
};

/** One reader's way through the feed. It holds no events: the feed has what it has not read, as long as it can. */
export type FeedReader = {
  /** The number of the event up to which it has read; a reader that is opened after it goes on from here. */
  readonly position: number;
  /** The next one that it wants; how many it missed, where it was too slow; undefined when there is none now. */
  next(): DeviceEvent | MissedEvents | undefined;
  close(): void;
};

type FeedReaderOptions = {
  /** Go on after this event; without it, with what comes from now on. */
  readonly after?: number | undefined;
  /**
   * Called when there is something again for a reader that had found none. It comes in the middle of what happens at
   * the device: it only takes note, and reads later.
   */
  readonly wake: () => void;
};

/** All that happens at devices, in one order, numbered from 1 on. */
export type EventFeed = {
  /** The number of the last event; 0 before the first. */
  readonly last: number;
  publish(event: RareDeviceEvent): void;
  /** Copies what it needs of the reading: no object is made for it. */
  publishReading(deviceId: string, reading: Reading): void;
  /** Undefined when `after` is of no event that is kept, and nobody can say what was missed. */
  open(interest: EventInterest, options: FeedReaderOptions): FeedReader | undefined;
};
