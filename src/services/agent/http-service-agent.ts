import { definedMembers } from '../../base/defined-members.ts';
import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../../base/clock.ts';
import { RecadoError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Result } from '../../base/result.ts';
import { BusError } from '../../bus/bus-error.ts';
import type { Bus, BusEvent, BusMessage, OutgoingMessage } from '../../bus/bus.ts';
import { AgentExchange, type AgentExchangeEnd } from './agent-exchange.ts';
import { encodeAnnouncement } from '../wire/announcement.ts';
import type { AllowList } from './allow-list.ts';
import { BufferCollector } from '../flow/buffer-collector.ts';
import { LinkBudget } from '../flow/credit.ts';
import { framePoolFor, type FramePool } from '../flow/frame-pool.ts';
import { HealthCheck } from './health-check.ts';
import { decodeRequestHead, type RequestHead } from '../wire/message-heads.ts';
import { DEFAULT_AGENT_LIMITS, type AgentLimits } from '../options.ts';
import {
  announcementTopic,
  DEFAULT_TOPIC_PREFIX,
  inTopic,
  isServiceName,
  outTopic,
} from '../wire/service-topics.ts';
import type { Upstream } from './upstream.ts';
import { decodeFrame, FrameType, type Frame } from '../wire/frame.ts';

/** As long as it takes. */
const SUBSCRIBE_TIMEOUT_MS = 0x7fff_ffff;
const LOOK_EVERY_MS = 20;
const ANNOUNCE_TIMEOUT_MS = 5000;

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
  /** Nothing else runs in this process, so its memory may be kept small at the price of a pause now and then. */
  readonly hasOwnProcess?: boolean;
  readonly log: Logger;
  readonly clock?: Clock;
};

/** Since the agent was made. */
export class AgentCounters {
  requests = 0;
  /** Those without a whole answer of the target. */
  failures = 0;
  refused = 0;
  malformed = 0;
}

/** A hub as the agent knows it. */
type HubLink = {
  readonly hubId: string;
  readonly topicName: string;
  readonly link: LinkBudget;
  readonly running: Map<number, AgentExchange>;
  /** The highest number that it has sent: a request that comes twice must not be done twice. */
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
  readonly #pool: FramePool;
  readonly #collector: BufferCollector;
  readonly #hubs = new Map<string, HubLink>();
  readonly #abort = new AbortController();
  #inFlightCount = 0;
  #epoch = '';
  #isServing = false;
  #isLeaving = false;
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
    this.#pool = framePoolFor(this.#limits);
    this.#collector = new BufferCollector({ collectsAll: options.hasOwnProcess === true });
    this.#prefix = options.topicPrefix ?? DEFAULT_TOPIC_PREFIX;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#health = new HealthCheck({
      upstream: options.upstream,
      path: options.healthPath,
      clock: this.#clock,
      onChanged: (isHealthy) => this.#onHealthChanged(isHealthy),
    });
  }

  get inFlightCount(): number {
    return this.#inFlightCount;
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
    const options = { qos: 1, timeoutMs: SUBSCRIBE_TIMEOUT_MS, signal: this.#abort.signal } as const;
    await bus.subscribe(topicFilter, options, (message) => this.#onFrame(message));
    this.#unwatch = bus.watch((event) => this.#onBusEvent(event));
    this.#isServing = true;
    this.#epoch = newEpoch();
    await this.#announce();
    const how = this.#health.isHealthy ? 'serves' : 'waits for its target:';
    this.#log.info(
      { service, agent: agentId },
      `agent ${agentId} ${how} ${service} at ${this.#options.upstream.address.url}`,
    );
  }

  /** Takes nothing new, finishes what runs within `drainMs`, and is gone. The bus is the caller's to close. */
  async stop(): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#abort.abort(new Error('the agent stops'));
    this.#health.stop();
    if (this.#isServing && this.#options.bus.isConnected) await this.#announce().catch(() => {});
    const untilMs = this.#clock.monotonic() + this.#limits.drainMs;
    while (this.#inFlightCount > 0 && this.#clock.monotonic() < untilMs) {
      await new Promise<void>((resolve) => void this.#clock.setTimer(LOOK_EVERY_MS, resolve));
    }
    this.#isServing = false;
    this.#unwatch();
    this.#abortAll('the agent stops');
    const { bus, service, agentId } = this.#options;
    const gone = agentWill(service, agentId, this.#prefix);
    if (bus.isConnected) await bus.publish(gone, { timeoutMs: ANNOUNCE_TIMEOUT_MS }).catch(() => {});
  }

  async #announce(): Promise<void> {
    const { service, agentId, bus, description } = this.#options;
    const { maxInFlight, initialCreditBytes: creditBytes } = this.#limits;
    const payload = encodeAnnouncement({
      epoch: this.#epoch,
      isHealthy: this.#health.isHealthy,
      isLeaving: this.#isLeaving,
      maxInFlight,
      creditBytes,
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

  #onHealthChanged(isHealthy: boolean): void {
    const { service, upstream } = this.#options;
    if (!this.#isServing) return;
    const text = `service ${service}: ${upstream.address.url} ${isHealthy ? 'answers again' : 'does not answer'}`;
    this.#log[isHealthy ? 'info' : 'warn']({ service, isHealthy }, text);
    this.#announceSoon();
  }

  #onBusEvent(event: BusEvent): void {
    if (!this.#isServing) return;
    if (event.type === 'lost') {
      // The broker tells the hubs, which send elsewhere what may be sent twice.
      this.#abortAll('the connection to the broker was lost');
    } else if (event.type === 'connected') {
      this.#epoch = newEpoch();
      this.#announceSoon();
    }
  }

  #onFrame({ topicName, payload, retain }: BusMessage): void {
    const frame = decodeFrame(payload, this.#limits.maxHeadBytes);
    const hubId = topicName.slice(topicName.lastIndexOf('/') + 1);
    if (retain || typeof frame === 'string' || !isServiceName(hubId)) {
      this.counters.malformed++;
      return;
    }
    const hub = this.#hubs.get(hubId) ?? this.#addHub(hubId);
    const running = hub.running.get(frame.request);
    if (running !== undefined) running.receive(frame);
    else if (frame.type === FrameType.REQUEST && this.#isServing) this.#onRequest(hub, frame);
  }

  #onRequest(hub: HubLink, frame: Frame): void {
    if ((frame.request - hub.lastRequest) >>> 0 >= 0x8000_0000 || frame.request === hub.lastRequest) return;
    hub.lastRequest = frame.request;
    const head = decodeRequestHead(frame.head);
    const { upstream, bus, allow } = this.#options;
    const { topicName, link } = hub;
    const admitted = head === undefined ? undefined : allow.admit(head);
    const exchange = new AgentExchange(frame, admitted?.ok === true ? admitted.value : (head ?? NO_HEAD), {
      upstream,
      limits: this.#limits,
      clock: this.#clock,
      link,
      pool: this.#pool,
      collector: this.#collector,
      publish: (bytes) => bus.publish({ topicName, payload: bytes, qos: 1 }),
      onEnd: (ended, end) => this.#onEnd(hub, ended, end),
    });
    hub.running.set(frame.request, exchange);
    this.#inFlightCount++;
    this.counters.requests++;
    this.#begin(exchange, frame, admitted);
  }

  #begin(exchange: AgentExchange, frame: Frame, admitted: Result<RequestHead, string> | undefined): void {
    const { head } = exchange;
    if (admitted === undefined) {
      exchange.refuse('bad-request', 'The request of the hub cannot be read.');
    } else if (!admitted.ok) {
      this.counters.refused++;
      exchange.refuse('forbidden', admitted.failure);
    } else if (this.#inFlightCount > this.#limits.maxInFlight) {
      exchange.refuse(
        'busy',
        `The agent has ${this.#limits.maxInFlight} requests in flight, as many as it takes.`,
      );
    } else if ((head.bodyBytes ?? 0) > this.#limits.maxRequestBytes) {
      const message = `The body is larger than the agent takes (${this.#limits.maxRequestBytes} bytes).`;
      exchange.refuse('too-large', message);
    } else {
      exchange.begin(frame);
    }
  }

  #onEnd(hub: HubLink, { request, head }: AgentExchange, { status, failure }: AgentExchangeEnd): void {
    hub.running.delete(request);
    this.#inFlightCount--;
    const { service } = this.#options;
    const fields = { service, method: head.method, target: head.target, status, failure };
    this.#log.debug(fields, `${head.method} ${head.target} → ${failure ?? status}`);
    if (failure === undefined) return;
    this.counters.failures++;
    if (failure.startsWith('target-down') && this.#isServing && !this.#isLeaving)
      void this.#health.checkNow();
  }

  #addHub(hubId: string): HubLink {
    if (this.#hubs.size >= this.#limits.maxHubs) {
      for (const { hubId: known, running } of this.#hubs.values()) {
        if (running.size > 0) continue;
        this.#hubs.delete(known);
        break;
      }
    }
    const { service, agentId } = this.#options;
    const hub: HubLink = {
      hubId,
      topicName: outTopic(this.#prefix, service, hubId, agentId),
      link: new LinkBudget(this.#limits.maxLinkBytes),
      running: new Map(),
      lastRequest: 0,
    };
    this.#hubs.set(hubId, hub);
    return hub;
  }

  #abortAll(why: string): void {
    for (const { running } of this.#hubs.values()) {
      for (const exchange of running.values()) exchange.abort(why);
    }
  }
}

const NO_HEAD: RequestHead = { method: '-', target: '-', headers: [], timeoutMs: 1, creditBytes: 1 };

function newEpoch(): string {
  return randomBytes(9).toString('base64url');
}
