import type { Clock } from '../base/clock.ts';
import type { Party } from '../base/ledger.ts';
import type { LogBudget } from '../base/log-budget.ts';
import type { Command } from './command.ts';
import type { DeviceDescription } from './description.ts';
import type { KeptDescription } from './kept-description.ts';
import type { DeviceRecord, GivenWords } from './device-store.ts';
import { DeviceEvents, type DeviceEventLimits, type ValueCheck } from './device-events.ts';
import type { DeviceLink } from './device-link.ts';
import type { EventFeed } from './events.ts';
import { InvocationLane, type LaneCounters, type LaneLimits } from './invocation-lane.ts';
import type { Presence } from './presence.ts';
import { Telemetry } from './telemetry.ts';

export type DeviceLimits = LaneLimits & DeviceEventLimits;

type DeviceOptions = {
  readonly order: number;
  readonly presence: Presence;
  readonly limits: DeviceLimits;
  readonly check: ValueCheck;
  readonly counters: LaneCounters;
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly log: LogBudget;
};

/** Something reachable through the hub. The registry makes devices and changes them; others read. */
export class Device {
  readonly id: string;
  /** Its place among all devices that the hub has met; grows, and is never given twice. */
  readonly order: number;
  telemetry: Telemetry;
  readonly lane: InvocationLane;
  /** The name of the gateway it came through last. */
  gateway = '';
  /** What people call it. */
  given: GivenWords = { title: undefined, tags: [] };
  /** Of its description: 1, and one more each time that it describes itself otherwise. */
  version = 1;
  describedAt: number;
  /** Its link while online. */
  link: DeviceLink | undefined = undefined;
  presence: Presence;
  /** When anything last came from it; wall time, ms. */
  lastSeen: number;
  /** A title that the device gave outside its description. */
  learnedTitle: string | undefined = undefined;
  #kept: KeptDescription;
  readonly #events: DeviceEvents;
  readonly #feed: EventFeed;
  readonly #clock: Clock;

  constructor(id: string, kept: KeptDescription, options: DeviceOptions) {
    this.id = id;
    this.#kept = kept;
    this.#feed = options.feed;
    this.#clock = options.clock;
    this.#events = new DeviceEvents(id, options);
    this.telemetry = new Telemetry(id, kept.party, options.feed);
    this.order = options.order;
    this.presence = options.presence;
    this.lastSeen = options.presence.since;
    this.describedAt = options.presence.since;
    this.lane = new InvocationLane(options.limits, options);
  }

  get title(): string | undefined {
    return this.given.title ?? this.#kept.title ?? this.learnedTitle;
  }

  get model(): string | undefined {
    return this.#kept.model;
  }

  get commandCount(): number {
    return this.#kept.commandCount;
  }

  get description(): DeviceDescription {
    return this.#kept.description;
  }

  /** Its description as JSON. */
  get descriptionText(): string {
    return this.#kept.text;
  }

  /** To whom it is booked. */
  get party(): Party {
    return this.#kept.party;
  }

  get isOnline(): boolean {
    return this.presence.status === 'online';
  }

  /** What a store keeps of it beside its description. */
  record(): DeviceRecord {
    return {
      deviceId: this.id,
      gateway: this.gateway,
      order: this.order,
      party: this.party.key,
      presence: this.presence,
      lastSeen: this.lastSeen,
      learnedTitle: this.learnedTitle,
      given: this.given,
      version: this.version,
      describedAt: this.describedAt,
    };
  }

  command(name: string): Command | undefined {
    return this.#kept.command(name);
  }

  /** The command with this number in the device's description. */
  commandByNumber(number: number): Command | undefined {
    return this.description.commands.find((command) => command.number === number);
  }

  /** A device that describes itself otherwise than the one before on this id is another: what that one said goes. */
  describe(kept: KeptDescription): void {
    const before = this.#kept;
    if (before === kept) return;
    this.#kept = kept;
    if (before.text !== kept.text) {
      this.learnedTitle = undefined;
      this.version++;
      this.describedAt = this.#clock.now();
      this.telemetry.forget();
      this.telemetry = new Telemetry(this.id, kept.party, this.#feed);
      this.tellDescription();
    }
    this.telemetry.moveTo(kept.party);
    before.release();
  }

  /** Tells the feed what it says of itself now. */
  tellDescription({ isNew = false } = {}): void {
    const { id: deviceId, title, model, commandCount } = this;
    this.#feed.publish({
      kind: 'description',
      deviceId,
      time: this.#clock.now(),
      title,
      model,
      commandCount,
      isNew,
    });
  }

  /**
   * Tells the feed that something happened at it, `data` being a JSON value.
   *
   * @returns what is wrong, after the name of the event; nobody is told of it then
   */
  tellEvent(event: {
    readonly name: string;
    readonly data: unknown;
    readonly time: number;
  }): string | undefined {
    return this.#events.take(event, this.#kept);
  }

  /** It is off the list: nothing of it is kept any more. */
  forget(): void {
    const message = `Device ${this.id} was forgotten before the command was sent.`;
    this.lane.drop({ code: 'DEVICE_UNKNOWN', message });
    this.telemetry.forget();
    this.#kept.release();
  }

  learnTitle(title: string): void {
    if (title === this.learnedTitle) return;
    this.learnedTitle = title;
    this.tellDescription();
  }
}
