import { randomBytes } from 'node:crypto';
import type { Bus, BusMessage, Subscription } from '../../bus/bus.ts';
import { systemClock, type Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { decodeAnnouncement } from '../wire/announcement.ts';
import { BufferCollector } from '../flow/buffer-collector.ts';
import { ServiceExchange, type ServiceRequest } from './service-exchange.ts';
import { framePoolFor, type FramePool } from '../flow/frame-pool.ts';
import type { PublishFrame } from '../flow/frame-channel.ts';
import { DEFAULT_SERVICE_LIMITS, type ServiceHubLimits } from '../options.ts';
import {
  ServiceDirectory,
  type AgentEntry,
  type DirectoryChange,
  type ServiceEntry,
} from './service-directory.ts';
import type { ServiceFailure } from '../wire/service-failure.ts';
import {
  allAnnouncements,
  DEFAULT_TOPIC_PREFIX,
  inTopic,
  isServiceName,
  outTopic,
  parseServiceTopic,
} from '../wire/service-topics.ts';
import { decodeFrame } from '../wire/frame.ts';

/** How long to wait for the first subscriptions: as long as it takes. */
const SUBSCRIBE_TIMEOUT_MS = 0x7fff_ffff;
const LOOK_EVERY_MS = 20;
const STOPPING: ServiceFailure = { code: 'HUB_STOPPING', message: 'The hub is shutting down.' };

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

type Registered = { readonly exchange: ServiceExchange; readonly outTopic: string };

/** The hub's side of all services: who offers them, and the requests that are on their way. */
export class ServiceHub {
  readonly counters: ServiceHubCounters = { ...NO_SERVICE_HUB_COUNTS };
  readonly limits: ServiceHubLimits;
  readonly directory: ServiceDirectory;
  /** Another one with each start: what was meant for an earlier hub finds nobody. */
  readonly hubId = randomBytes(8).toString('hex');
  readonly #bus: Bus;
  readonly #prefix: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #byRequest = new Map<number, Registered>();
  readonly #running = new Set<ServiceExchange>();
  readonly #turn = { last: 0 };
  readonly #pool: FramePool;
  readonly #collector = new BufferCollector({ collectsAll: false });
  readonly #abort = new AbortController();
  #subscriptions: readonly Subscription[] = [];
  #lastRequest = 0;
  #isStopping = false;

  constructor({ bus, topicPrefix = DEFAULT_TOPIC_PREFIX, log, clock, ...limits }: ServiceHubOptions) {
    this.#bus = bus;
    this.#prefix = topicPrefix;
    this.#log = log;
    this.#clock = clock ?? systemClock;
    this.limits = { ...DEFAULT_SERVICE_LIMITS, ...limits };
    this.#pool = framePoolFor(this.limits);
    this.directory = new ServiceDirectory(this.limits);
  }

  /** Settles when the broker has the subscriptions; a broker that is away is waited for. */
  async start(): Promise<void> {
    const options = { qos: 1, timeoutMs: SUBSCRIBE_TIMEOUT_MS, signal: this.#abort.signal } as const;
    // Frames first: whoever is announced may be asked at once.
    const frames = outTopic(this.#prefix, '+', this.hubId, '+');
    this.#subscriptions = [
      await this.#bus.subscribe(frames, { ...options, borrowsPayload: true }, (message) =>
        this.#onFrame(message),
      ),
      await this.#bus.subscribe(allAnnouncements(this.#prefix), options, (message) =>
        this.#onAnnouncement(message),
      ),
    ];
  }

  /** Takes no more requests, waits for those that run, and gives up those that take too long. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    const untilMs = this.#clock.monotonic() + drainMs;
    while (this.#running.size > 0 && this.#clock.monotonic() < untilMs) {
      await new Promise<void>((resolve) => void this.#clock.setTimer(LOOK_EVERY_MS, resolve));
    }
    for (const exchange of this.#running) exchange.abort(STOPPING);
    this.#abort.abort(new Error('the hub stops'));
    await Promise.all(this.#subscriptions.map((subscription) => subscription.unsubscribe()));
  }

  /** Requests on their way. */
  get inFlightCount(): number {
    return this.#running.size;
  }

  /** Why a request for a service cannot begin; undefined when it can. */
  findRefusal(
    name: string,
    { bodyBytes }: { readonly bodyBytes: number | undefined },
  ): ServiceFailure | undefined {
    if (this.#isStopping) return { ...STOPPING, retryAfterSeconds: 5 };
    const service = isServiceName(name) ? this.directory.get(name) : undefined;
    if (service === undefined) {
      return { code: 'SERVICE_UNKNOWN', message: `No agent has offered a service ${name.slice(0, 64)}.` };
    }
    const { maxInFlightPerService, maxRequestBytes } = this.limits;
    if (!this.#bus.isConnected)
      return { code: 'BROKER_OFFLINE', message: 'The MQTT broker is away.', retryAfterSeconds: 5 };
    if (bodyBytes !== undefined && bodyBytes > maxRequestBytes) {
      const message = `The body of ${bodyBytes} bytes is larger than services.maxRequestBytes (${maxRequestBytes}).`;
      return { code: 'BODY_TOO_LARGE', message };
    }
    if (service.inFlightCount >= maxInFlightPerService) {
      const message = `The service ${name} has ${service.inFlightCount} requests in flight, as many as it may.`;
      return { code: 'TOO_MANY_REQUESTS', message, retryAfterSeconds: 1 };
    }
    return undefined;
  }

  /**
   * Sends a request that `findRefusal` let pass on its way; the answer goes to the response.
   *
   * @param answerFailure - is called at most once, when nothing of an answer has left
   */
  send(
    name: string,
    call: ServiceRequest,
    events: { readonly answerFailure: (failure: ServiceFailure) => void; readonly onEnd: () => void },
  ): void {
    const service = this.directory.get(name);
    if (service === undefined) throw new TypeError(`the service ${name} is not known`);
    service.inFlightCount++;
    service.counters.requests++;
    service.requests.count(this.#clock.monotonic());
    const exchange = new ServiceExchange(call, {
      service,
      limits: this.limits,
      clock: this.#clock,
      turn: this.#turn,
      pool: this.#pool,
      collector: this.#collector,
      reconnections: () => this.#bus.counters.reconnected,
      publishTo: (agent) => this.#publishTo(service, agent),
      register: (registered, agent) => this.#register(registered, service, agent),
      unregister: (request) => this.#byRequest.delete(request),
      answerFailure: events.answerFailure,
      onEnd: (ended) => {
        service.inFlightCount--;
        this.#running.delete(ended);
        events.onEnd();
      },
    });
    this.#running.add(exchange);
    exchange.begin();
  }

  #publishTo(service: ServiceEntry, agent: AgentEntry): PublishFrame {
    const topicName = inTopic(this.#prefix, service.name, agent.agentId, this.hubId);
    return (payload) => this.#bus.publish({ topicName, payload, qos: 1 });
  }

  /** Numbers grow, so that an agent knows one that it has had; those of running requests are left out. */
  #register(exchange: ServiceExchange, service: ServiceEntry, agent: AgentEntry): number {
    do {
      this.#lastRequest = (this.#lastRequest + 1) >>> 0;
    } while (this.#lastRequest === 0 || this.#byRequest.has(this.#lastRequest));
    const topic = outTopic(this.#prefix, service.name, this.hubId, agent.agentId);
    this.#byRequest.set(this.#lastRequest, { exchange, outTopic: topic });
    return this.#lastRequest;
  }

  #onFrame({ topicName, payload }: BusMessage): void {
    const frame = decodeFrame(payload, this.limits.maxHeadBytes);
    if (typeof frame === 'string') {
      this.counters.malformed++;
      return;
    }
    const registered = this.#byRequest.get(frame.request);
    // Another agent must not answer in its place.
    if (registered === undefined || registered.outTopic !== topicName) {
      this.counters.stray++;
      return;
    }
    registered.exchange.receive(frame);
  }

  #onAnnouncement({ topicName, payload }: BusMessage): void {
    const topic = parseServiceTopic(this.#prefix, topicName);
    if (topic?.kind !== 'announcement') return;
    const { service, agentId } = topic;
    const announcement = payload.length === 0 ? undefined : decodeAnnouncement(payload);
    const isGood = isServiceName(service) && isServiceName(agentId);
    if (!isGood || (payload.length > 0 && announcement === undefined)) {
      this.counters.malformed++;
      this.#log.warn({ topicName: topicName.slice(0, 200) }, 'an announcement of an agent cannot be read');
      return;
    }
    const change =
      announcement === undefined
        ? this.directory.remove(service, agentId)
        : this.directory.announce(service, agentId, announcement);
    this.#tell(service, agentId, change);
  }

  #tell(service: string, agentId: string, change: DirectoryChange): void {
    if (change === 'same') return;
    const text = `service ${service}: agent ${agentId} ${CHANGE_WORDS[change]}`;
    const isBad = change === 'refused' || change === 'unhealthy';
    this.#log[isBad ? 'warn' : 'info']({ service, agent: agentId, change }, text);
  }
}

const CHANGE_WORDS: Readonly<Record<DirectoryChange, string>> = {
  new: 'is there',
  again: 'is there again',
  healthy: 'reaches its target again',
  unhealthy: 'does not reach its target',
  leaving: 'is leaving',
  gone: 'is gone',
  refused: 'is one too many: see services.maxServices and services.maxAgentsPerService',
  same: 'is as it was',
};
