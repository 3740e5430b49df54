import type { ReasonCode } from '../codec/reason-code.ts';
import { costOf, KeptKind } from '../../base/kept-kinds.ts';
import type { Party } from '../../base/ledger.ts';
import type { ProtocolVersion, QoS } from '../codec/control-packet.ts';
import type { MessageQueue } from '../session/message-queue.ts';
import type { KeptWill } from '../session/session-store.ts';
import { Session, type Receiver } from '../session/session.ts';
import type { OutboundTopicAliases } from '../topics/topic-alias.ts';
import type { CommitWaiter } from './commit-group.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import type { EndCause, EndDetail } from './connection/end-causes.ts';
import type { Outbox } from './connection/outbox.ts';
import type { ApplicationMessage, ClientInfo } from './hooks.ts';
import type { ConnectionOptions } from './options.ts';
import type { BrokerStats } from './stats.ts';

/** Measured: what a message costs that waits or is in flight, beside what `StoredMessage.sizeBytes` says. */
const PLACE_BYTES = 96;

/** Told that a client has acknowledged a message, or refused it: with a Reason Code of 0x80 or more. */
export type OnAcknowledged = (client: ClientInfo, reasonCode: ReasonCode) => void;

/** How a message came to a subscriber. */
export type Arrival = {
  /** Who published it, or whose Will it is; undefined for messages of this program, and where it was retained. */
  readonly from: ClientInfo | undefined;
  /** What was granted, or what it was published with if that is less. */
  readonly qos: QoS;
  /** It was retained before the subscription; or was published so, where the subscription keeps that. */
  readonly retain: boolean;
};

/** A subscriber inside this process: it has no connection, and takes messages as they are. */
export type LocalReceiver = (message: ApplicationMessage, arrival: Arrival) => void;

/** What the broker asks of the connection that a session has. */
export type SessionConnection = Receiver &
  CommitWaiter & {
    readonly engine: { readonly stats: BrokerStats };
    readonly version: ProtocolVersion;
    /** The largest packet that the client takes. */
    readonly maximumPacketSize: number;
    readonly outboundAliases: OutboundTopicAliases<string> | undefined;
    readonly outbox: Outbox;
    readonly will: KeptWill | undefined;
    end(cause: EndCause, detail?: EndDetail): void;
  };

/** A client's session, with who the client is and by which listener's rules it came last. */
export class ClientSession extends Session<SessionConnection> {
  client: ClientInfo;
  options: ConnectionOptions;
  hooks: CompiledHooks;
  /** Whether the hooks by which its client came last prove user names. */
  isOwnerProven: boolean;
  /** Other members are still to get what waits in it of Shared Subscriptions. */
  owesMove = false;
  readonly local: LocalReceiver | undefined;
  /** Whom everything is booked to that is kept for it; held open until its end. */
  readonly party: Party;
  /** Of messages in flight whose sender wants to know, by Packet Identifier. */
  receipts: Map<number, OnAcknowledged> | undefined = undefined;
  #queuedBytes = 0;
  #queuedCount = 0;
  #inflightBytes = 0;
  #inflightCount = 0;
  #subscriptionBytes = 0;
  #willBytes = 0;
  #ownBytes = 0;

  constructor(
    client: ClientInfo,
    rules: { readonly options: ConnectionOptions; readonly hooks: CompiledHooks },
    local: LocalReceiver | undefined,
    party: Party,
  ) {
    super(client.clientId);
    this.client = client;
    this.options = rules.options;
    this.hooks = rules.hooks;
    this.isOwnerProven = rules.hooks.provesUserNames;
    this.local = local;
    this.party = party;
  }

  /** What the session itself costs, without what is kept in it. */
  get cost(): number {
    return costOf(KeptKind.SESSION, this.clientId.length);
  }

  /** Books the session itself; false when there is no room for one more. */
  book(): boolean {
    const { cost } = this;
    if (!this.party.book(KeptKind.SESSION, cost)) return false;
    this.#ownBytes = cost;
    this.party.sessions++;
    return true;
  }

  /** Books one that was there before, whether there is room or not. */
  charge(): void {
    this.#ownBytes = this.cost;
    this.party.charge(KeptKind.SESSION, this.#ownBytes);
    this.party.sessions++;
  }

  /**
   * Whether one more message may be in flight that is kept until it is acknowledged: `maxQueuedBytes` holds for these
   * as for those that wait. One may be, however large it is.
   */
  mayKeepInflight(sizeBytes: number): boolean {
    const bytes = this.inflight === undefined ? 0 : this.inflight.bytes;
    if (bytes === 0) return true;
    return (
      bytes + sizeBytes <= this.options.maxQueuedBytes && this.party.hasRoomFor(KeptKind.INFLIGHT, sizeBytes)
    );
  }

  /** Whether one more message may wait. */
  mayQueue(queue: MessageQueue, sizeBytes: number): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.options;
    if (queue.count >= maxQueuedMessages || queue.bytes + sizeBytes > maxQueuedBytes) return false;
    return this.party.hasRoomFor(KeptKind.QUEUED, sizeBytes);
  }

  /** Somebody wants to know when a message that was sent is acknowledged. */
  expectReceipt(packetId: number, onAcknowledged: OnAcknowledged): void {
    (this.receipts ??= new Map()).set(packetId, onAcknowledged);
  }

  /** Books what its messages have become, after some were added or have gone. */
  bookMessages(): void {
    const { queue, inflight } = this;
    const queuedBytes = queue === undefined ? 0 : queue.bytes + queue.count * PLACE_BYTES;
    if (queuedBytes !== this.#queuedBytes) {
      const count = queue === undefined ? 0 : queue.count;
      this.party.change(KeptKind.QUEUED, queuedBytes - this.#queuedBytes, count - this.#queuedCount);
      this.#queuedBytes = queuedBytes;
      this.#queuedCount = count;
    }
    const inflightBytes = inflight === undefined ? 0 : inflight.bytes + inflight.keptCount * PLACE_BYTES;
    if (inflightBytes === this.#inflightBytes) return;
    const count = inflight === undefined ? 0 : inflight.keptCount;
    this.party.change(KeptKind.INFLIGHT, inflightBytes - this.#inflightBytes, count - this.#inflightCount);
    this.#inflightBytes = inflightBytes;
    this.#inflightCount = count;
  }

  /** Books the Will that is kept for it, by its connection or for later. */
  bookWill(will: KeptWill | undefined): void {
    const cost = will === undefined ? 0 : willCost(will);
    this.party.rebook(KeptKind.WILL, this.#willBytes, cost);
    this.#willBytes = cost;
  }

  /** Books a subscription that was made; whether there is room for it was asked before. */
  bookSubscription(topicFilter: string): void {
    const cost = subscriptionCost(topicFilter);
    this.subscriptionCount++;
    this.#subscriptionBytes += cost;
    this.party.charge(KeptKind.SUBSCRIPTION, cost);
  }

  releaseSubscription(topicFilter: string): void {
    const cost = subscriptionCost(topicFilter);
    this.subscriptionCount--;
    this.#subscriptionBytes -= cost;
    this.party.release(KeptKind.SUBSCRIPTION, cost);
  }

  /** It has ended: nothing is kept for it any more. */
  releaseAll(): void {
    this.queue = undefined;
    this.inflight = undefined;
    this.received = undefined;
    this.receipts = undefined;
    this.bookMessages();
    this.bookWill(undefined);
    this.party.change(KeptKind.SUBSCRIPTION, -this.#subscriptionBytes, -this.subscriptionCount);
    this.#subscriptionBytes = 0;
    this.subscriptionCount = 0;
    if (this.#ownBytes > 0) {
      this.party.release(KeptKind.SESSION, this.#ownBytes);
      this.party.sessions--;
    }
    this.#ownBytes = 0;
    this.party.close();
  }
}

/** What a subscription costs: its place in the tree, its options, and its levels. */
export function subscriptionCost(topicFilter: string): number {
  return costOf(KeptKind.SUBSCRIPTION, topicFilter.length);
}

export function willCost({ message }: KeptWill): number {
  return costOf(KeptKind.WILL, message.sizeBytes);
}

/** The sessions of clients, by Client Identifier, in the order in which they began. */
export class SessionList extends Map<string, ClientSession> {
  #lastNumber = 0;

  /** Of a client that has none: its place is behind all others. */
  override set(clientId: string, session: ClientSession): this {
    session.number = ++this.#lastNumber;
    return super.set(clientId, session);
  }

  /** Those behind a place, also where the session there has ended. To be left off at any of them. */
  *after(number: number): IterableIterator<ClientSession> {
    // A number is compared and nothing made for those before: of 100,000 sessions that takes some milliseconds.
    for (const session of this.values()) if (session.number > number) yield session;
  }
}
