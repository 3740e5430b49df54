import { LogBudget, shown } from '../../base/log-budget.ts';
import { randomBytes } from 'node:crypto';
import type { Bus, BusMessage, Subscription } from '../../bus/bus.ts';
import { BlockPool } from '../../base/blocks.ts';
import { systemClock, type Clock, type Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { Roster } from '../../base/roster.ts';
import { Flow, type FlowListener } from '../flow/flow.ts';
import { FrameLink } from '../flow/frame-link.ts';
import { DEFAULT_SERVICE_LIMITS, type ServiceHubLimits } from '../options.ts';
import { decodeAnnouncement, SERVICE_PROTOCOL_VERSION } from '../wire/announcement.ts';
import { FrameType, MAX_FRAME_NUMBER, type Frame } from '../wire/frame.ts';
import { encodeCancel } from '../wire/service-failure.ts';
import {
  allAnnouncements,
  DEFAULT_TOPIC_PREFIX,
  inTopic,
  isServiceName,
  outTopic,
  parseServiceTopic,
} from '../wire/service-topics.ts';
import { Admission, STOPPING, type Ticket } from './admission.ts';
import { ServiceDirectory, type AgentEntry, type DirectoryChange } from './service-directory.ts';
import { ServiceExchange, type ServiceExchangeParts, type ServiceRequest } from './service-exchange.ts';

/** How long to wait for the first subscriptions: as long as it takes. */
const SUBSCRIBE_TIMEOUT_MS = 0x7fff_ffff;
/** How often is looked whether something takes too long, in parts of the shortest time that it may take. */
const LOOKS_PER_TIME = 8;
type ServiceHubOptions = Partial<ServiceHubLimits> & {
  readonly bus: Bus;
  /** The topics of services begin with it. */
  readonly topicPrefix?: string;
  readonly log: Logger;
  readonly clock?: Clock;
};

/** Since the hub was made, of all services. */
export const NO_SERVICE_HUB_COUNTS = {
  /** Messages that are no frames, or announcements that cannot be read. */
  malformed: 0,
  /** Frames of requests that are over; or from an agent that does not have the request. */
  stray: 0,
};

export type ServiceHubCounters = typeof NO_SERVICE_HUB_COUNTS;

/** The hub's side of all services: who offers them, and the requests that are on their way. */
export class ServiceHub {
  readonly counters: ServiceHubCounters = { ...NO_SERVICE_HUB_COUNTS };
  readonly limits: ServiceHubLimits;
  readonly directory: ServiceDirectory;
  /** Another one with each start: what was meant for an earlier hub finds nobody. */
  readonly hubId = randomBytes(8).toString('hex');
  readonly #bus: Bus;
  readonly #prefix: string;
  readonly #logBudget: LogBudget;
  readonly #clock: Clock;
  /** Gives the tickets that `send` takes. */
  readonly admission: Admission;
  /** By the topic of their frames: another agent must not answer in the place of one. */
  readonly #links = new Map<string, FrameLink>();
  readonly #running = new Roster<ServiceExchange>();
  readonly #blocks = new BlockPool();
  readonly #exchangeParts: ServiceExchangeParts;
  readonly #abort = new AbortController();
  #subscriptions: readonly Subscription[] = [];
  #unwatch: () => void = () => {};
  #lookout: Timer | undefined;
  #lastRequest = 0;

  constructor({ bus, topicPrefix = DEFAULT_TOPIC_PREFIX, log, clock, ...limits }: ServiceHubOptions) {
    this.#bus = bus;
    this.#prefix = topicPrefix;
    this.#clock = clock ?? systemClock;
    this.#logBudget = new LogBudget(this.#clock, log);
    this.limits = { ...DEFAULT_SERVICE_LIMITS, ...limits };
    this.directory = new ServiceDirectory(this.limits, {
      open: (service, agentId) => this.#openLink(service, agentId),
      close: (service, agentId) => this.#links.delete(outTopic(this.#prefix, service, this.hubId, agentId)),
    });
    this.#exchangeParts = {
      limits: this.limits,
      clock: this.#clock,
      blocks: this.#blocks,
      turn: { last: 0 },
      openFlow: this.#openFlow,
      onEnd: (exchange) => this.#running.remove(exchange),
    };
    this.admission = new Admission({
      directory: this.directory,
      limits: this.limits,
      isConnected: () => this.#bus.isConnected,
    });
  }

  /** Settles when the broker has the subscriptions; a broker that is away is waited for. */
  async start(): Promise<void> {
    const options = { timeoutMs: SUBSCRIBE_TIMEOUT_MS, signal: this.#abort.signal } as const;
    // Frames first: whoever is announced may be asked at once.
    const frames = outTopic(this.#prefix, '+', this.hubId, '+');
    this.#subscriptions = [
      await this.#bus.subscribe(frames, { ...options, qos: 0, borrowsPayload: true }, (message) =>
        this.#onFrame(message),
      ),
      await this.#bus.subscribe(allAnnouncements(this.#prefix), { ...options, qos: 1 }, (message) =>
        this.#onAnnouncement(message),
      ),
    ];
    this.#unwatch = this.#bus.watch(({ type }) => {
      // What was on the way is perhaps lost.
      if (type === 'connected') for (const link of this.#links.values()) link.probe();
    });
  }

  /** Takes no more requests, waits for those that run, and gives up those that take too long. */
  async stop(drainMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(drainMs, resolve);
    this.#running.forEach((exchange) => exchange.isUpgraded && exchange.abort(STOPPING));
    await Promise.race([this.admission.stop(), late]);
    timer.clear();
    this.#running.forEach((exchange) => exchange.abort(STOPPING));
    this.#lookout?.clear();
    this.#unwatch();
    this.#abort.abort(new Error('the hub stops'));
    await Promise.all(this.#subscriptions.map((subscription) => subscription.unsubscribe()));
    this.#logBudget.close();
  }

  /** Requests on their way. */
  get inFlightCount(): number {
    return this.#running.size;
  }

  /** Sends a request on its way; the answer goes to the response, and the ticket back. */
  send(ticket: Ticket, call: ServiceRequest): void {
    ticket.service.counters.requests++;
    ticket.service.requests.count(this.#clock.monotonic());
    const exchange = new ServiceExchange(call, ticket, this.#exchangeParts);
    this.#running.add(exchange);
    this.#lookout ??= this.#clock.setTicker(this.#lookEveryMs(), () => this.#look());
    exchange.begin();
  }

  /** Numbers grow, so that an agent knows one that it has had; those of running requests are left out. */
  readonly #openFlow = ({ link, creditBytes }: AgentEntry, listener: FlowListener): Flow => {
    do this.#lastRequest = (this.#lastRequest % MAX_FRAME_NUMBER) + 1;
    while (link.has(this.#lastRequest));
    const nowMs = this.#clock.monotonic();
    return new Flow(link, { request: this.#lastRequest, creditBytes, listener, nowMs });
  };

  #openLink(service: string, agentId: string): FrameLink {
    const topicName = inTopic(this.#prefix, service, agentId, this.hubId);
    const link = new FrameLink({
      limits: this.limits,
      publish: (payload) => this.#bus.send({ topicName, payload }).ok,
      onUnknown: (frame) => this.#onUnknown(link, frame),
      onMalformed: () => this.counters.malformed++,
    });
    this.#links.set(outTopic(this.#prefix, service, this.hubId, agentId), link);
    return link;
  }

  #onFrame({ topicName, payload }: BusMessage): void {
    const link = this.#links.get(topicName);
    if (link === undefined) this.counters.stray++;
    else link.receive(payload);
  }

  /** An agent that asks about a request which is over has not heard so. */
  #onUnknown(link: FrameLink, { type, request }: Frame): void {
    this.counters.stray++;
    if (type !== FrameType.PROBE) return;
    link.send({ type: FrameType.CANCEL, request, body: encodeCancel('The request is over.') });
  }

  #lookEveryMs(): number {
    const { timeoutMs, idleTimeoutMs, probeAfterMs } = this.limits;
    return Math.max(1, Math.floor(Math.min(timeoutMs, idleTimeoutMs, probeAfterMs) / LOOKS_PER_TIME));
  }

  #look(): void {
    const nowMs = this.#clock.monotonic();
    this.#blocks.trim();
    this.#running.forEach((exchange) => exchange.look(nowMs));
    if (this.#running.size > 0) return;
    this.#lookout?.clear();
    this.#lookout = undefined;
  }

  #onAnnouncement({ topicName, payload }: BusMessage): void {
    const topic = parseServiceTopic(this.#prefix, topicName);
    if (topic?.kind !== 'announcement') return;
    const { service, agentId } = topic;
    if (!isServiceName(service) || !isServiceName(agentId)) {
      this.#countMalformed(topicName);
      return;
    }
    if (payload.length === 0) {
      this.#tell(service, agentId, this.directory.remove(service, agentId));
      return;
    }
    const announcement = decodeAnnouncement(payload);
    if (announcement.ok) {
      this.#tell(service, agentId, this.directory.announce(service, agentId, announcement.value));
      return;
    }
    const { version } = announcement.failure;
    if (version === undefined) this.#countMalformed(topicName);
    else this.#tell(service, agentId, this.directory.noteMisfit(service, agentId, version), version);
  }

  #countMalformed(topicName: string): void {
    this.counters.malformed++;
    const text = 'an announcement of an agent cannot be read';
    this.#logBudget.write('faults of agents', { topicName: shown(topicName) }, text, shown(topicName));
  }

  #tell(service: string, agentId: string, change: DirectoryChange, version = SERVICE_PROTOCOL_VERSION): void {
    if (change === 'same') return;
    const versions = `speaks version ${version} of the protocol, and this hub ${SERVICE_PROTOCOL_VERSION}`;
    const words = change === 'misfit' ? versions : CHANGE_WORDS[change];
    const isBad = change === 'refused' || change === 'unhealthy' || change === 'misfit';
    this.#logBudget.write(
      isBad ? 'faults of agents' : 'agents that came and went',
      { service, agent: agentId, change },
      `service ${service}: agent ${agentId} ${words}`,
      `${service}/${agentId}`,
    );
  }
}

const CHANGE_WORDS: Readonly<Record<Exclude<DirectoryChange, 'misfit'>, string>> = {
  new: 'is there',
  again: 'is there again',
  healthy: 'reaches its target again',
  unhealthy: 'does not reach its target',
  leaving: 'is leaving',
  gone: 'is gone',
  refused: 'is one too many: see services.maxServices and services.maxAgentsPerService',
  same: 'is as it was',
};
