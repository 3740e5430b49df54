import type { WheelTimer } from '../../base/timer-wheel.ts';
import type { WillMessage } from '../codec/connect.ts';
import { MAX_UINT_32, type QoS } from '../codec/control-packet.ts';
import type { Connection } from '../broker/connection/connection.ts';
import type { ApplicationMessage, ClientInfo } from '../broker/hooks.ts';
import type { CompiledHooks } from '../broker/compiled-hooks.ts';
import type { ConnectionOptions } from '../broker/options.ts';
import type { RetainedDelivery } from '../broker/retained-deliveries.ts';
import type { Inflight } from './inflight.ts';
import type { MessageQueue } from './message-queue.ts';
import type { PacketIdSet } from './packet-id-set.ts';

/** How a message came to a subscriber. */
export type Arrival = {
  /** What was granted, or what it was published with if that is less. */
  readonly qos: QoS;
  /** It was retained before the subscription; or was published so, where the subscription keeps that. */
  readonly retain: boolean;
};

/** A subscriber inside this process: it has no connection, and takes messages as they are. */
export type LocalReceiver = (message: ApplicationMessage, arrival: Arrival) => void;

/** A Will that waits for its delay, or for the end of its session (section 3.1.3.2.2). */
export type PendingWill = { readonly message: WillMessage; readonly dueMs: number };

/**
 * The state of a client, with or without its connection (section 4.1). What most sessions never need is made when it
 * is first needed: an idle one is this object alone.
 */
export class Session {
  readonly clientId: string;
  /** As it connected last, and through which listener's rules. */
  client: ClientInfo;
  options: ConnectionOptions;
  hooks: CompiledHooks;
  connection: Connection | undefined = undefined;
  /** Seconds that it outlives its connection; 0xFFFFFFFF is for ever. */
  expiryInterval = 0;
  subscriptionCount = 0;
  /** What was sent and not acknowledged. */
  inflight: Inflight | undefined = undefined;
  /** What waits to be sent. */
  queue: MessageQueue | undefined = undefined;
  /** QoS 2 messages that came in and were not released. */
  received: PacketIdSet | undefined = undefined;
  will: PendingWill | undefined = undefined;
  /** Set while the client is away: for its Will, then for its end. */
  timer: WheelTimer | undefined = undefined;
  /** Wall-clock ms; undefined while its client is connected. */
  disconnectedAtMs: number | undefined = undefined;
  /** Monotonic ms; infinite when it never ends. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  nextSequence = 1;
  /** Retained messages that are still to come for its subscriptions. */
  retainedDeliveries: RetainedDelivery[] | undefined = undefined;
  hasEnded = false;
  readonly local: LocalReceiver | undefined;

  constructor(
    client: ClientInfo,
    rules: { readonly options: ConnectionOptions; readonly hooks: CompiledHooks },
    local: LocalReceiver | undefined,
  ) {
    this.clientId = client.clientId;
    this.client = client;
    this.options = rules.options;
    this.hooks = rules.hooks;
    this.local = local;
  }

  /** Whether it goes on without its connection, so that what was sent must be kept until it is acknowledged. */
  get outlivesConnection(): boolean {
    return this.expiryInterval > 0;
  }

  get neverExpires(): boolean {
    return this.expiryInterval === MAX_UINT_32;
  }
}
