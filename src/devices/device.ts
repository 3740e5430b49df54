import type { Command } from './command.ts';
import type { DeviceDescription } from './description.ts';
import type { DeviceLink } from './device-link.ts';
import { InvocationLane, type LaneCounters, type LaneLimits } from './invocation-lane.ts';
import type { Presence } from './presence.ts';
import { Telemetry } from './telemetry.ts';

/** Something reachable through the hub. The registry makes devices and changes them; others read. */
export class Device {
  readonly id: string;
  /** Its place among all devices that the hub has met; grows, and is never given twice. */
  readonly order: number;
  telemetry = new Telemetry();
  readonly lane: InvocationLane;
  /** The name of the gateway it came through last. */
  gateway = '';
  /** How large its description is, as JSON. */
  descriptionCharacters = 0;
  description: DeviceDescription = { commands: [], telemetry: [] };
  /** Its link while online. */
  link: DeviceLink | undefined = undefined;
  presence: Presence;
  /** When anything last came from it; wall time, ms. */
  lastSeen: number;
  /** A title that the device gave outside its description. */
  #learnedTitle: string | undefined = undefined;
  readonly #commands = new Map<string, Command>();

  constructor(
    id: string,
    options: { order: number; presence: Presence; limits: LaneLimits; counters: LaneCounters },
  ) {
    this.id = id;
    this.order = options.order;
    this.presence = options.presence;
    this.lastSeen = options.presence.since;
    this.lane = new InvocationLane(options.limits, options.counters);
  }

  get title(): string | undefined {
    return this.description.title ?? this.#learnedTitle;
  }

  get isOnline(): boolean {
    return this.presence.status === 'online';
  }

  command(name: string): Command | undefined {
    return this.#commands.get(name);
  }

  /** The command with this number in the device's description. */
  commandByNumber(number: number): Command | undefined {
    return this.description.commands.find((command) => command.number === number);
  }

  /** A device that describes itself otherwise than the one before on this id is another: what that one said goes. */
  describe(description: DeviceDescription): void {
    const text = JSON.stringify(description);
    this.descriptionCharacters = text.length;
    if (text !== JSON.stringify(this.description)) {
      this.#learnedTitle = undefined;
      this.telemetry = new Telemetry();
    }
    this.description = description;
    this.#commands.clear();
    for (const command of description.commands) this.#commands.set(command.name, command);
  }

  learnTitle(title: string): void {
    this.#learnedTitle = title;
  }
}
