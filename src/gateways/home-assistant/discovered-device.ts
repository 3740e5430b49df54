import type { Party } from '../../base/ledger.ts';
import { WheelTimer } from '../../base/timer-wheel.ts';
import type { Device } from '../../devices/device.ts';
import { KeptDescription } from '../../devices/kept-description.ts';
import type { PresenceReason } from '../../devices/presence.ts';
import { findValueFault, type Reading } from '../../devices/reading.ts';
import { ReportWarnings } from '../report-warnings.ts';
import { AvailabilityState } from './availability-state.ts';
import { AwaitedEffects } from './awaited-effects.ts';
import type { MetricPart } from './discovery/component-part.ts';
import { describeDevice, type DescribedDevice, type DiscoveredItem } from './discovery/describe-device.ts';
import type { StateMessage } from './discovery/state-message.ts';
import type { HomeAssistantContext } from './gateway-context.ts';
import { HomeAssistantLink } from './home-assistant-link.ts';
import type { StateListener } from './state-topics.ts';

/** One device, out of all configs that speak of it. */
export class DiscoveredDevice {
  readonly id: string;
  /** By the topics of their configs. */
  readonly items = new Map<string, DiscoveredItem>();
  readonly order: number;
  identities: ReadonlySet<string> = new Set();
  readonly #context: HomeAssistantContext;
  /** By topic, the names of what is listened for. */
  #heard: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  readonly #effects: AwaitedEffects;
  readonly #availability = new AvailabilityState();
  readonly #readingWarnings: ReportWarnings;
  readonly #eventWarnings: ReportWarnings;
  #described: DescribedDevice | undefined;
  #device: Device | undefined;
  #link: HomeAssistantLink | undefined;
  /** Metrics that were told since the broker is there: what it had retained of them before is older. */
  readonly #told = new Set<string>();
  /** By metric: what is false again some time after it became true. */
  readonly #delays = new Map<string, WheelTimer>();
  #party: Party | undefined;
  #isMeeting = false;

  /** @param order - its place among all that were met */
  constructor(id: string, order: number, context: HomeAssistantContext) {
    this.id = id;
    this.order = order;
    this.#context = context;
    this.#effects = new AwaitedEffects(context);
    this.#readingWarnings = new ReportWarnings('readings', context.logBudget);
    this.#eventWarnings = new ReportWarnings('events', context.logBudget);
  }

  get isDescribed(): boolean {
    return this.#described !== undefined;
  }

  /**
   * Its configs have changed: it is described anew.
   *
   * @returns why not, in words: there is no room for its description, or another gateway has its id
   */
  describe(party: Party): string | undefined {
    const { registry, name } = this.#context;
    const other = registry.otherGatewayOf(this.id, name);
    if (other !== undefined) return `the id ${this.id} is that of a device of the gateway ${other}`;
    const described = describeDevice([...this.items.values()], [...this.identities]);
    const kept = KeptDescription.keep(described.description, party);
    if (kept === undefined) return 'the hub keeps as many descriptions as it may';
    this.#party = party;
    const before = this.#device?.telemetry;
    const readings = before?.latest() ?? [];
    this.#described = described;
    const device = registry.describe(this.id, { gateway: name, description: kept });
    this.#device = device;
    if (device.telemetry !== before) this.#observeAgain(readings);
    this.#availability.use(described.availability);
    this.update('disconnected');
    this.#listen(this.#wantedTopics(described));
    return undefined;
  }

  /** It comes or goes, as its availability says and the broker is there. @param reason - why, if it goes */
  update(reason: PresenceReason): void {
    const device = this.#device;
    if (device === undefined) return;
    const { bus, registry } = this.#context;
    const isThere = bus.isConnected && this.#availability.isAvailable;
    const link = this.#link;
    if (isThere === (link !== undefined)) return;
    if (isThere) {
      if (registry.get(this.id) !== device) return this.#meetAgain(device);
      this.#link = new HomeAssistantLink(device, {
        findCommand: (name) => this.#described?.commands.get(name),
        effects: this.#effects,
        isPresumed: this.#availability.isPresumed,
        context: this.#context,
      });
      registry.come(device, this.#link);
    } else if (link !== undefined) {
      this.#link = undefined;
      link.close(reason);
      registry.disconnect(device, link, reason);
    }
  }

  /** There were too many that were away: it was taken off the list, and comes back now. */
  #meetAgain(before: Device): void {
    // It was taken off the list in the moment in which it was listed: there is no room for it at all.
    if (this.#isMeeting) return;
    this.#isMeeting = true;
    this.#device = undefined;
    if (this.#party === undefined || this.describe(this.#party) !== undefined) this.#device = before;
    this.#isMeeting = false;
  }

  /** The broker is lost, and with it what it said of who is there. */
  onBrokerLost(): void {
    this.#told.clear();
    this.#availability.forget();
    this.update('connection-failed');
  }

  /** Nothing is heard of it any more. */
  end(reason: PresenceReason): void {
    this.#listen(new Map());
    for (const timer of this.#delays.values()) this.#context.alarms.clear(timer);
    this.#delays.clear();
    this.#availability.use(new Map());
    this.update(reason);
    this.#device = undefined;
  }

  /** Where something new is listened for, what the broker has retained is heard again. */
  #listen(wanted: ReadonlyMap<string, ReadonlySet<string>>): void {
    const { topics } = this.#context;
    const before = this.#heard;
    this.#heard = wanted;
    for (const topic of before.keys()) if (!wanted.has(topic)) topics.leave(topic, this.#onMessage);
    for (const [topic, names] of wanted) {
      const known = before.get(topic);
      if (known === undefined || [...names].some((name) => !known.has(name)))
        topics.join(topic, this.#onMessage);
    }
  }

  #wantedTopics({ metrics, events }: DescribedDevice): ReadonlyMap<string, ReadonlySet<string>> {
    const wanted = new Map<string, Set<string>>();
    const want = (topic: string, name: string): void => {
      const names = wanted.get(topic);
      if (names === undefined) wanted.set(topic, new Set([name]));
      else names.add(name);
    };
    for (const topic of this.#availability.topics()) want(topic, 'availability');
    for (const [name, { topics }] of metrics) for (const topic of topics) want(topic, `metric ${name}`);
    for (const [name, { topic }] of events) want(topic, `event ${name}`);
    return wanted;
  }

  /** A device that describes itself otherwise has lost its readings; those that it still has a metric for come back. */
  #observeAgain(readings: readonly Reading[]): void {
    for (const { metric, value, time } of readings) {
      const part = this.#described?.metrics.get(metric);
      if (part !== undefined && findValueFault(value, part.type) === undefined)
        this.#device?.telemetry.observe(metric, value, part.unit, time);
    }
  }

  readonly #onMessage: StateListener = (listenedTopic, message) => {
    const device = this.#device;
    const described = this.#described;
    if (device === undefined || described === undefined) return;
    if (!message.isRetained) device.lastSeen = this.#context.clock.now();
    this.#availability.take(listenedTopic, message);
    this.update('disconnected');
    for (const [name, part] of described.metrics)
      if (part.topics.includes(listenedTopic)) this.#read(name, part, message);
    for (const [name, { topic, read }] of described.events) {
      if (topic !== listenedTopic) continue;
      const event = read(message);
      if (!event.ok) this.#refuseEvent(name, event.failure);
      else if (event.value !== undefined) this.#tellEvent(name, event.value.data);
    }
  };

  #read(name: string, part: MetricPart, message: StateMessage): void {
    const { counters, clock } = this.#context;
    if (message.isRetained && this.#told.has(name)) return;
    const read = part.read(message);
    if (read.ok && read.value === undefined) return;
    const value = read.ok ? read.value! : '';
    const fault = read.ok
      ? (findValueFault(value, part.type) ??
        this.#device?.telemetry.observe(name, value, part.unit, clock.now()))
      : `got what makes no sense (${read.failure})`;
    if (fault !== undefined) {
      counters.readingsRefused++;
      this.#readingWarnings.tell(this.id, name, `${fault}; the reading was left out`);
      return;
    }
    counters.readingsTaken++;
    if (part.offDelayMs !== undefined) this.#delayOff(name, part.offDelayMs, value === true);
    if (message.isRetained) return;
    this.#told.add(name);
    this.#effects.show(name, value);
  }

  /** A sensor that only tells when something begins: it is over after some time. */
  #delayOff(name: string, offDelayMs: number, isOn: boolean): void {
    const { alarms, clock } = this.#context;
    const before = this.#delays.get(name);
    if (before !== undefined) alarms.clear(before);
    if (!isOn) return;
    const timer = new WheelTimer(
      () => void this.#device?.telemetry.observe(name, false, undefined, clock.now()),
    );
    this.#delays.set(name, timer);
    alarms.set(timer, clock.monotonic() + offDelayMs);
  }

  #tellEvent(name: string, data: unknown): void {
    const { counters, clock } = this.#context;
    const fault = this.#device?.tellEvent({ name, data, time: clock.now() });
    if (fault !== undefined) return this.#refuseEvent(name, fault);
    counters.eventsTaken++;
  }

  #refuseEvent(name: string, fault: string): void {
    this.#context.counters.eventsRefused++;
    this.#eventWarnings.tell(this.id, name, `${fault}; the event was left out`);
  }
}
