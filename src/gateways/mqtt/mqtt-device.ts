import type { Bus, BusClient } from '../../bus/bus.ts';
import { shown } from '../../base/log-budget.ts';
import { costOf, KeptKind } from '../../base/kept-kinds.ts';
import type { Party } from '../../base/ledger.ts';
import type { Device } from '../../devices/device.ts';
import { PRESENCE_REASONS, type PresenceReason } from '../../devices/presence.ts';
import { AskedInvocations } from '../asked-invocations.ts';
import { lostFailure } from '../device-failures.ts';
import { DeviceReports } from './device-reports.ts';
import type { MqttGatewayContext } from './mqtt-context.ts';
import { MqttLink } from './mqtt-link.ts';
import type { PresenceMessage } from './presence-message.ts';

const FIGHT_WINDOW_MS = 60_000;
/** So many takeovers within the window are two that fight, and not one that was restarted. */
const FIGHTING = 3;

/** What is known of one id: what it says of its presence and, once it has described itself, the device. */
export class MqttDevice {
  readonly id: string;
  readonly asked: AskedInvocations;
  /** Of the description that was read last, whether it was taken or refused. */
  digest = '';
  isRefused = false;
  readonly #context: MqttGatewayContext;
  readonly #bus: Bus;
  #reports: DeviceReports | undefined;
  #said: 'online' | 'offline' | undefined;
  #epoch: string | undefined;
  /** Clients of the hub's own broker that are this device: who said that it is online, or takes its commands. */
  readonly #clients = new Set<BusClient>();
  /** Of these the one that said last that it is online. */
  #speaker: BusClient | undefined;
  #link: MqttLink | undefined;
  /** To whom its place is booked until it has described itself. */
  #party: Party | undefined;
  readonly #takeovers = { count: 0, sinceMs: 0 };

  constructor(id: string, parts: { readonly bus: Bus; readonly context: MqttGatewayContext }) {
    this.id = id;
    this.#bus = parts.bus;
    this.#context = parts.context;
    this.asked = new AskedInvocations(parts.context.options.maxInFlightInvocations);
  }

  /** Undefined until it has described itself, and when it is off the list. */
  get device(): Device | undefined {
    const device = this.#reports?.device;
    return device !== undefined && this.#context.registry.get(this.id) === device ? device : undefined;
  }

  get reports(): DeviceReports | undefined {
    return this.device === undefined ? undefined : this.#reports;
  }

  /** Nothing is known of it that would have to be kept. */
  get isEmpty(): boolean {
    return (
      this.device === undefined && this.#said === undefined && this.#clients.size === 0 && this.digest === ''
    );
  }

  get clients(): ReadonlySet<BusClient> {
    return this.#clients;
  }

  /** Books the place of one that has not described itself; false when there is no room. */
  book(party: Party): boolean {
    if (!party.book(KeptKind.DESCRIPTION, this.#cost)) return false;
    this.#party = party;
    return true;
  }

  release(): void {
    this.#party?.release(KeptKind.DESCRIPTION, this.#cost);
    this.#party = undefined;
  }

  /** It has described itself: the description is booked, and its place with it. */
  describe(device: Device): void {
    this.release();
    if (this.#reports?.device !== device) this.#reports = new DeviceReports(device, this.#context);
    this.update('disconnected');
  }

  /** @param from - who says it, where the broker knows that; undefined for what it had retained */
  say(message: PresenceMessage | undefined, from: BusClient | undefined): void {
    if (message?.state === 'online') return this.#sayOnline(message, from);
    if (message !== undefined && this.#isStale(message, from)) {
      this.#context.counters.presencesStale++;
      return;
    }
    this.#said = message?.state;
    const reason = PRESENCE_REASONS.find((known) => known === message?.reason);
    this.update(reason ?? 'disconnected');
  }

  /** A client of the hub's own broker is this device. */
  attach(client: BusClient): void {
    if (this.#context.clients?.isConnected(client) === false) return;
    this.#clients.add(client);
    this.update('disconnected');
  }

  detach(client: BusClient, reason: PresenceReason): void {
    this.#clients.delete(client);
    if (this.#speaker === client) this.#speaker = undefined;
    this.update(reason);
  }

  /** Nothing is known of its presence any more: the broker is away, or the hub stops. */
  leave(reason: PresenceReason): void {
    this.#said = undefined;
    this.#clients.clear();
    this.#speaker = undefined;
    this.#end(reason);
  }

  /** Comes or goes, by what is known now. @param reason - for going */
  update(reason: PresenceReason): void {
    const { device } = this;
    if (this.#isUp && device !== undefined) {
      if (this.#link === undefined) this.#come(device);
    } else {
      this.#end(reason);
    }
  }

  get #isUp(): boolean {
    if (this.#context.clients === undefined) return this.#said === 'online';
    return this.#said !== 'offline' && this.#clients.size > 0;
  }

  get #cost(): number {
    return costOf(KeptKind.DESCRIPTION, this.id.length);
  }

  #sayOnline({ epoch }: PresenceMessage, from: BusClient | undefined): void {
    const isOther =
      from === undefined
        ? epoch !== undefined && this.#epoch !== undefined && epoch !== this.#epoch
        : this.#speaker !== undefined && this.#speaker !== from && this.#clients.has(this.#speaker);
    const wasUp = this.#link !== undefined && this.#said === 'online';
    if (isOther && wasUp) this.#takeOver(from, epoch);
    this.#said = 'online';
    this.#epoch = epoch;
    if (from !== undefined) {
      this.#speaker = from;
      this.attach(from);
    }
    this.update('disconnected');
  }

  /** The last word of a connection that another one has followed. */
  #isStale({ epoch }: PresenceMessage, from: BusClient | undefined): boolean {
    if (this.#said !== 'online') return false;
    if (epoch !== undefined && this.#epoch !== undefined) return epoch !== this.#epoch;
    const speaker = this.#speaker;
    if (from === undefined || speaker === undefined || speaker === from) return false;
    // A Will: whoever it was of is not there any more.
    return this.#context.clients?.isConnected(from) === false && this.#clients.has(speaker);
  }

  /** Another client, or another run of its program: what the one before was asked for is lost. */
  #takeOver(from: BusClient | undefined, epoch: string | undefined): void {
    const { counters, clock, logBudget } = this.#context;
    counters.takeovers++;
    const now = clock.monotonic();
    if (now - this.#takeovers.sinceMs > FIGHT_WINDOW_MS)
      Object.assign(this.#takeovers, { count: 0, sinceMs: now });
    const names =
      from === undefined
        ? [this.#epoch, epoch].map((each) => `epoch ${shown(each ?? '')}`)
        : [this.#speaker!, from].map(
            ({ clientId, peer }) => `${shown(clientId)} at ${peer.address || 'this machine'}`,
          );
    if (++this.#takeovers.count === FIGHTING)
      logBudget.write(
        'takeovers of client ids',
        { device: this.id, clients: names },
        `two clients say that they are device ${this.id}, and take it from each other: ${names.join(' and ')}`,
        this.id,
      );
    const { device } = this;
    this.#link = undefined;
    if (device !== undefined) this.#come(device);
  }

  #come(device: Device): void {
    const { asked } = this;
    const isDevice = (client: BusClient): boolean => this.#clients.has(client);
    const link = new MqttLink(device, { asked, isDevice, bus: this.#bus, context: this.#context });
    this.#link = link;
    this.#context.registry.come(device, link);
  }

  #end(reason: PresenceReason): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    const device = this.#reports!.device;
    // The device leaves first: what is failed below must not make the lane send the next command here.
    this.#context.registry.disconnect(device, link, reason);
    for (const invocation of this.asked.giveUpAll()) invocation.fail(lostFailure(this.id));
  }
}
