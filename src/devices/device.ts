import type { Logger } from '../base/logger.ts';
import type { Command } from './command.ts';
import type { DeviceDescription } from './description.ts';
import type { KeptDescription } from './kept-description.ts';
import type { DeviceLink } from './device-link.ts';
import { InvocationLane, type LaneCounters, type LaneLimits } from './invocation-lane.ts';
import type { Presence } from './presence.ts';
import { Telemetry } from './telemetry.ts';

/** Something reachable through the hub. The registry makes devices and changes them; others read. */
export class Device {
  readonly id: string;
  /** Its place among all devices that the hub has met; grows, and is never given twice. */
  readonly order: number;
  telemetry: Telemetry;
  readonly lane: InvocationLane;
  /** The name of the gateway it came through last. */
  gateway = '';
  /** Its link while online. */
  link: DeviceLink | undefined = undefined;
  presence: Presence;
  /** When anything last came from it; wall time, ms. */
  lastSeen: number;
  /** A title that the device gave outside its description. */
  #learnedTitle: string | undefined = undefined;
  #kept: KeptDescription;

  constructor(
    id: string,
    kept: KeptDescription,
    options: { order: number; presence: Presence; limits: LaneLimits; counters: LaneCounters; log: Logger },
  ) {
    this.id = id;
    this.#kept = kept;
    this.telemetry = new Telemetry(kept.party);
    this.order = options.order;
    this.presence = options.presence;
    this.lastSeen = options.presence.since;
    this.lane = new InvocationLane(options.limits, options);
  }

  get title(): string | undefined {
    return this.#kept.title ?? this.#learnedTitle;
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

  /** How large its description is, as JSON. */
  get descriptionCharacters(): number {
    return this.#kept.text.length;
  }

  get isOnline(): boolean {
    return this.presence.status === 'online';
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
      this.#learnedTitle = undefined;
      this.telemetry.forget();
      this.telemetry = new Telemetry(kept.party);
    }
    this.telemetry.moveTo(kept.party);
    before.release();
  }

  /** It is off the list: nothing of it is kept any more. */
  forget(): void {
    this.telemetry.forget();
    this.#kept.release();
  }

  learnTitle(title: string): void {
    this.#learnedTitle = title;
  }
}
