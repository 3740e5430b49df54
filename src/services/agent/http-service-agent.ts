import { randomInt } from 'node:crypto';
import { systemClock, type Clock, type Timer } from '../../base/clock.ts';
import { definedMembers } from '../../base/defined-members.ts';
import { RecadoError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { fail, type Result } from '../../base/result.ts';
import { Roster } from '../../base/roster.ts';
import { BusError } from '../../bus/bus-error.ts';
import type { Bus, BusEvent, BusMessage, OutgoingMessage } from '../../bus/bus.ts';
import { FrameLink } from '../flow/frame-link.ts';
import { DEFAULT_AGENT_LIMITS, type AgentLimits } from '../options.ts';
import { encodeAnnouncement } from '../wire/announcement.ts';
import { FrameType, MAX_FRAME_NUMBER, type Frame } from '../wire/frame.ts';
import { decodeRequestHead, type RequestHead } from '../wire/message-heads.ts';
import { encodeAgentFailure, type AgentFailure } from '../wire/service-failure.ts';
import {
  announcementTopic,
  DEFAULT_TOPIC_PREFIX,
  inTopic,
  isServiceName,
  outTopic,
} from '../wire/service-topics.ts';
import { AgentExchange, type AgentExchangeEnd, type AgentExchangeParts } from './agent-exchange.ts';
import type { AllowList } from './allow-list.ts';
import { HealthCheck } from './health-check.ts';
import type { Upstream } from './upstream.ts';

/** As long as it takes. */
const SUBSCRIBE_TIMEOUT_MS = 0x7fff_ffff;
const ANNOUNCE_TIMEOUT_MS = 5000;
/** How often is looked whether something takes too long, in parts of the shortest time that it may take. */
const LOOKS_PER_TIME = 8;
/** A process that stood still for longer does not know what its hubs have given up meanwhile. */
const MAX_STANDSTILL_MS = 3000;

export type HttpServiceAgentOptions = Partial<AgentLimits> & {
  readonly service: string;
  readonly agentId: string;
  /** Connected with the will of {@link agentWill}, so that all hear of it when this process is gone. */
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly allow: AllowList;
  readonly healthPath?: string | undefined;
  readonly description?: string | undefined;
  readonly topicPrefix?: string;
  readonly log: Logger;
  readonly clock?: Clock;
};

/** Since the agent was made. */
class AgentCounters {
  requests = 0;
  /** Those without a whole answer of the target. */
  failures = 0;
  refused = 0;
  malformed = 0;
}

/** A hub as the agent knows it. */
type HubLink = {
  readonly link: FrameLink;
  /** The highest number that it has sent, 0 for none yet: a request that comes twice must not be done twice. */
  lastRequest: number;
};

/** What the broker publishes when the agent is gone without a word: its announcement is over. */
export function agentWill(
  service: string,
  agentId: string,
  topicPrefix = DEFAULT_TOPIC_PREFIX,
): OutgoingMessage {
  const topicName = announcementTopic(topicPrefix, service, agentId);
  return { topicName, payload: new Uint8Array(0), qos: 1, retain: true };
}

/** Brings the requests of hubs to one HTTP service. */
export class HttpServiceAgent {
  readonly counters = new AgentCounters();
  readonly #options: HttpServiceAgentOptions;
  readonly #limits: AgentLimits;
  readonly #prefix: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #health: HealthCheck;
  /** By the topic of their frames. */
  readonly #hubs = new Map<string, HubLink>();
  readonly #running = new Roster<AgentExchange>();
  readonly #abort = new AbortController();
  readonly #exchangeParts: AgentExchangeParts;
  #state: 'new' | 'serving' | 'leaving' | 'gone' = 'new';
  #idle = Promise.withResolvers<void>();
  #epoch = 0;
  #lookout: Timer | undefined;
  #lookedMs = 0;
  #unwatch: () => void = () => {};

  /** @throws {RecadoError} `CONFIG_INVALID` for names that no topic can have */
  constructor(options: HttpServiceAgentOptions) {
    for (const name of [options.service, options.agentId]) {
      if (isServiceName(name)) continue;
      const rule = '1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first';
      const message = `"${name}" is no name of a service or an agent: ${rule}`;
      throw new RecadoError('CONFIG_INVALID', message);
    }
    this.#options = options;
    this.#limits = { ...DEFAULT_AGENT_LIMITS, ...definedMembers(options) };
    this.#prefix = options.topicPrefix ?? DEFAULT_TOPIC_PREFIX;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#exchangeParts = {
      upstream: options.upstream,
      limits: this.#limits,
      clock: this.#clock,
      onEnd: this.#onEnd,
    };
    this.#health = new HealthCheck({
      upstream: options.upstream,
      path: options.healthPath,
      clock: this.#clock,
      onChanged: (fault) => this.#onHealthChanged(fault),
    });
  }

  get inFlightCount(): number {
    return this.#running.size;
  }

  /**
   * Settles when the agent is announced; a broker that is away is waited for.
   *
   * @throws {BusError} `BROKER_DENIED` when the broker does not let it serve
   */
  async start(): Promise<void> {
    const { service, agentId, bus } = this.#options;
    await this.#health.start();
    const topicFilter = inTopic(this.#prefix, service, agentId, '+');
    const options = { qos: 0, timeoutMs: SUBSCRIBE_TIMEOUT_MS, signal: this.#abort.signal } as const;
    await bus.subscribe(topicFilter, { ...options, borrowsPayload: true }, (message) =>
      this.#onFrame(message),
    );
    this.#unwatch = bus.watch((event) => this.#onBusEvent(event));
    this.#state = 'serving';
    this.#epoch = newEpoch();
    this.#lookedMs = this.#clock.monotonic();
    this.#lookout = this.#clock.setTicker(this.#lookEveryMs(), () => this.#look());
    await this.#announce();
    const how = this.#health.isHealthy ? 'serves' : 'waits for its target:';
    this.#log.info(
      { service, agent: agentId },
      `agent ${agentId} ${how} ${service} at ${this.#options.upstream.address.url}`,
    );
  }

  /** Takes nothing new, finishes what runs within `drainMs`, and is gone. The bus is the caller's to close. */
  async stop(): Promise<void> {
    if (this.#state === 'leaving' || this.#state === 'gone') return;
    const wasServing = this.#state === 'serving';
    this.#state = 'leaving';
    const { bus, service, agentId } = this.#options;
    this.#abort.abort(new Error('the agent stops'));
    this.#health.stop();
    if (wasServing && bus.isConnected) await this.#announce().catch(() => {});
    this.#running.forEach((exchange) => exchange.endUpgraded());
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(this.#limits.drainMs, resolve);
    if (this.#running.size > 0) await Promise.race([this.#idle.promise, late]);
    timer.clear();
    this.#state = 'gone';
    this.#lookout?.clear();
    this.#unwatch();
    this.#abortAll('the agent stops');
    const gone = agentWill(service, agentId, this.#prefix);
    if (bus.isConnected) await bus.publish(gone, { timeoutMs: ANNOUNCE_TIMEOUT_MS }).catch(() => {});
  }

  async #announce(): Promise<void> {
    const { service, agentId, bus, description } = this.#options;
    const { maxInFlight, maxHeadBytes, initialCreditBytes: creditBytes } = this.#limits;
    const payload = encodeAnnouncement({
      epoch: this.#epoch,
      isHealthy: this.#health.isHealthy,
      isLeaving: this.#state === 'leaving',
      maxInFlight,
      creditBytes,
      maxHeadBytes,
      ...(description !== undefined && { description }),
    });
    const topicName = announcementTopic(this.#prefix, service, agentId);
    await bus.publish({ topicName, payload, qos: 1, retain: true }, { timeoutMs: ANNOUNCE_TIMEOUT_MS });
  }

  /** Where it cannot be told now, the next connection will tell it. */
  #announceSoon(): void {
    this.#announce().catch((error: unknown) => {
      const isAway = error instanceof BusError && error.code !== 'BROKER_DENIED';
      if (!isAway)
        this.#log.error({ err: error }, `the agent could not be announced: ${(error as Error).message}`);
    });
  }

  #onHealthChanged(fault: string | undefined): void {
    const { service, upstream } = this.#options;
    if (this.#state !== 'serving') return;
    const isHealthy = fault === undefined;
    const text = `service ${service}: ${upstream.address.url} ${fault ?? 'answers again'}`;
    this.#log[isHealthy ? 'info' : 'warn']({ service, isHealthy }, text);
    this.#announceSoon();
  }

  #onBusEvent(event: BusEvent): void {
    if (this.#state !== 'serving' && this.#state !== 'leaving') return;
    // The broker tells the hubs, which send elsewhere what may be sent twice.
    if (event.type === 'lost') this.#abortAll('the connection to the broker was lost');
    else if (event.type === 'connected') this.#beginAnew();
  }

  #beginAnew(): void {
    this.#epoch = newEpoch();
    this.#hubs.clear();
    this.#announceSoon();
  }

  #look(): void {
    this.#noticeStandstill();
    this.#running.forEach((exchange) => exchange.look(this.#lookedMs));
  }

  /** What hubs have sent to a process that stood still they may have given up: it is not done any more. */
  #noticeStandstill(): void {
    const nowMs = this.#clock.monotonic();
    const stoodMs = nowMs - this.#lookedMs;
    this.#lookedMs = nowMs;
    if (stoodMs < MAX_STANDSTILL_MS + this.#lookEveryMs()) return;
    this.#log.warn({ stoodMs }, `the agent stood still for ${Math.round(stoodMs)} ms: it begins anew`);
    this.#abortAll('the agent stood still');
    this.#beginAnew();
  }

  #lookEveryMs(): number {
    const { timeoutMs, idleTimeoutMs, probeAfterMs } = this.#limits;
    return Math.max(1, Math.floor(Math.min(timeoutMs, idleTimeoutMs, probeAfterMs) / LOOKS_PER_TIME));
  }

  #onFrame({ topicName, payload, retain }: BusMessage): void {
    if (this.#clock.monotonic() - this.#lookedMs > MAX_STANDSTILL_MS) this.#noticeStandstill();
    const hub = this.#hubs.get(topicName) ?? this.#addHub(topicName);
    if (retain || hub === undefined) this.counters.malformed++;
    else hub.link.receive(payload);
  }

  /** A request, or something about one that is not here. */
  #onUnknown(hub: HubLink, frame: Frame): void {
    const isFirst = hub.lastRequest === 0;
    const isNew = isFirst || ((frame.request - hub.lastRequest) | 0) > 0;
    if (frame.type === FrameType.PROBE) {
      // What has not been sent cannot be here yet: it waits for room on the link.
      if (frame.sequence === 0) hub.link.send({ type: FrameType.STATE, request: frame.request });
      // An agent that has had nothing of a hub does not know what was done before it began (anew).
      else this.#disown(hub, frame.request, isNew && !isFirst);
    }
    if (frame.type !== FrameType.REQUEST || !isNew) return;
    hub.lastRequest = frame.request;
    if (frame.epoch !== this.#epoch || this.#state === 'gone') {
      this.#disown(hub, frame.request, true);
      return;
    }
    this.counters.requests++;
    const admitted = this.#admit(frame.head);
    if (!admitted.ok) {
      const { failure } = admitted;
      this.counters.failures++;
      this.#log.debug({ service: this.#options.service, failure }, `refused: ${failure.message}`);
      sendFailure(hub, frame.request, failure);
      return;
    }
    const exchange = new AgentExchange(hub.link, { frame, head: admitted.value }, this.#exchangeParts);
    this.#running.add(exchange);
    exchange.begin(frame);
  }

  #disown(hub: HubLink, request: number, isUntouched: boolean): void {
    const message = 'The agent does not have the request.';
    sendFailure(hub, request, { code: 'lost', message, isUntouched });
  }

  /** The request as it may be sent to the target; or why it may not. */
  #admit(bytes: Uint8Array): Result<RequestHead, AgentFailure> {
    const { maxInFlight, maxRequestBytes, maxHeadBytes } = this.#limits;
    const head = bytes.length > maxHeadBytes ? undefined : decodeRequestHead(bytes);
    if (head === undefined) return refuse('bad-request', 'The request of the hub cannot be read.');
    const admitted = this.#options.allow.admit(head);
    if (!admitted.ok) {
      this.counters.refused++;
      return refuse('forbidden', admitted.failure);
    }
    if (this.#running.size >= maxInFlight)
      return refuse('busy', `The agent has ${maxInFlight} requests in flight, as many as it takes.`);
    if ((head.bodyBytes ?? 0) > maxRequestBytes)
      return refuse('too-large', `The body is larger than the agent takes (${maxRequestBytes} bytes).`);
    return admitted;
  }

  readonly #onEnd = (exchange: AgentExchange, { status, failure }: AgentExchangeEnd): void => {
    this.#running.remove(exchange);
    if (this.#running.size === 0 && this.#state === 'leaving') this.#idle.resolve();
    const { service } = this.#options;
    const { method, target } = exchange.head;
    this.#log.debug(
      { service, method, target, status, failure },
      `${method} ${target} → ${failure ?? status}`,
    );
    if (failure === undefined) return;
    this.counters.failures++;
    if (failure.startsWith('target-down') && this.#state === 'serving') void this.#health.checkNow();
  };

  #addHub(topicName: string): HubLink | undefined {
    const hubId = topicName.slice(topicName.lastIndexOf('/') + 1);
    if (!isServiceName(hubId)) return undefined;
    const { service, agentId, bus } = this.#options;
    if (this.#hubs.size >= this.#limits.maxHubs) {
      for (const [known, { link }] of this.#hubs) {
        if (link.size > 0) continue;
        this.#hubs.delete(known);
        break;
      }
    }
    const outgoing = outTopic(this.#prefix, service, hubId, agentId);
    const link = new FrameLink({
      limits: this.#limits,
      publish: (payload) => bus.send({ topicName: outgoing, payload }).ok,
      onUnknown: (frame) => this.#onUnknown(hub, frame),
      onMalformed: () => this.counters.malformed++,
    });
    const hub: HubLink = { link, lastRequest: 0 };
    this.#hubs.set(topicName, hub);
    return hub;
  }

  #abortAll(why: string): void {
    this.#running.forEach((exchange) => exchange.abort(why));
  }
}

function refuse(code: AgentFailure['code'], message: string): Result<never, AgentFailure> {
  return fail({ code, message, isUntouched: true });
}

function sendFailure({ link }: HubLink, request: number, failure: AgentFailure): void {
  link.send({ type: FrameType.FAILURE, request, body: encodeAgentFailure(failure) });
}

function newEpoch(): number {
  return randomInt(1, MAX_FRAME_NUMBER);
}
