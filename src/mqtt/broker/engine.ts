import type { Clock, Timer } from '../../base/clock.ts';
import { Ledger, OWN_PARTY, type Party } from '../../base/ledger.ts';
import type { Logger } from '../../base/logger.ts';
import { BlockPool } from '../../base/blocks.ts';
import { addressParty } from '../../base/networks.ts';
import { TimerWheel } from '../../base/timer-wheel.ts';
import type { QoS } from '../codec/control-packet.ts';
import type { QueuedTotal } from '../session/message-queue.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import type { DenialCount } from '../topics/receive-verdicts.ts';
import { RetainedMessages } from '../topics/retained-messages.ts';
import { SubscriptionTree } from '../topics/subscription-tree.ts';
import { TopicTable } from '../topics/topic-table.ts';
import { ASKED_STEPS } from '../topics/work-meter.ts';
import { AwaySessions } from './away-sessions.ts';
import { CommitGroup } from './commit-group.ts';
import { compileHooks, type CompiledHooks } from './compiled-hooks.ts';
import { Denials } from './denials.ts';
import type { Inbox } from './connection/inbox.ts';
import { SessionList, type ClientSession } from './client-session.ts';
import type { ApplicationMessage, BrokerHooks, ClientInfo, DenyingRule, DropReason } from './hooks.ts';
import { resolveBrokerOptions, type BrokerOptions, type ResolvedBrokerOptions } from './options.ts';
import { LogBudget, NOBODY } from '../../base/log-budget.ts';
import { Publication } from './publication.ts';
import { SharedChoice } from './shared-choice.ts';
import { BrokerStats } from './stats.ts';
import { StoreNotes } from './store-notes.ts';
import { TakeoverWatch } from './takeovers.ts';
import { WriterPool } from './connection/writer-pool.ts';

const TICK_MS = 250;
/** For the last bytes to each connection when the broker closes: all go at once. */
const CLOSING_LINGER_MS = 250;
/** Retained messages looked at in each tick for those that have expired. */
const RETAINED_SWEEP = 2000;
/** Ticks between two looks at results that subscriptions have overtaken. */
const FORGET_EVERY_TICKS = 40;
/** Ticks between two tries of a commit that failed. */
const RETRY_EVERY_TICKS = 4;

/**
 * Packets and deliveries of one turn: a few milliseconds. What a client sends beyond it waits, so that a packet that
 * goes to ten thousand and comes a thousand times does not keep the others waiting.
 */
const TURN_WORK = 65_536;
/** Of these for one connection that had to wait. */
const SLICE_WORK = 8192;
/** Timers that are looked at in one turn: a session that ends has its subscriptions taken away, and its Will told. */
const TURN_TIMERS = 256;
/** Connections that are flushed in one turn: each costs a call of the system. The others come in the next one. */
const TURN_FLUSHES = 256;
/** Of these at least for those that a message to many is for, however much there is for others. */
const TURN_CROWD_FLUSHES = TURN_FLUSHES / 4;

/** `publish` from within a `publish`, through hooks and subscribers of this program: beyond it they answer themselves. */
export const MAX_PUBLISH_DEPTH = 32;

/** Somebody with something to do when the turn ends. */
type TurnMember = { endTurn(): void };

/** Sends what is retained to new subscriptions. */
type RetainedSender = {
  begin(
    session: ClientSession,
    topicFilter: string,
    granted: { qos: QoS; subscriptionIdentifier: number },
  ): void;
  /** At the end of a turn. */
  continue(): void;
  /** The client takes more again. */
  goOnFor(session: ClientSession): void;
  /** The session ends. */
  closeFor(session: ClientSession): void;
  /** A subscription ends. */
  closeFilter(session: ClientSession, topicFilter: string): void;
};

export const EngineState = {
  /** Nobody is let in yet. */
  NEW: 0,
  STARTED: 1,
  CLOSED: 2,
} as const;
export type EngineState = (typeof EngineState)[keyof typeof EngineState];

/** Does something soon, after everything that has arrived was read. */
export type ScheduleTurn = (run: () => void) => void;

/**
 * What the parts of a broker share: who is there, what they subscribed to, what is retained, and the turn of the
 * event loop in which everything that has to be sent is sent at once.
 */
export class Engine {
  readonly options: ResolvedBrokerOptions;
  readonly hooks: CompiledHooks;
  readonly ownHooks: readonly BrokerHooks[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: SessionStore | undefined;
  readonly stats = new BrokerStats();
  /** Network connections of all listeners. */
  connectionCount = 0;
  readonly sessions = new SessionList();
  readonly away = new AwaySessions();
  readonly subscriptions = new SubscriptionTree<ClientSession>(this);
  readonly topics: TopicTable<ClientSession>;
  readonly retained: RetainedMessages<StoredMessage>;
  readonly retainedDeliveries: RetainedSender;
  readonly writers = new WriterPool();
  /** Where large messages lie on their way. */
  readonly blocks = new BlockPool();
  readonly wheel: TimerWheel;
  readonly commits: CommitGroup;
  readonly notes: StoreNotes;
  readonly takeovers: TakeoverWatch;
  readonly ledger: Ledger;
  /** For what this program itself keeps, and for what it found in the store. */
  readonly ownParty: Party;
  readonly #partyOf: (client: ClientInfo) => string;
  readonly logBudget: LogBudget;
  readonly denials: Denials;
  /** Those that have their CONNACK, now and at most at a time. */
  readonly clients = { connected: 0, maximum: 0 };
  /** What waits in all sessions. */
  readonly queued: QueuedTotal = { bytes: 0 };
  readonly sharedChoice: SharedChoice;
  readonly startedAtMs: number;
  state: EngineState = EngineState.NEW;
  /** Packets that were read, deliveries, nodes and rules that were looked at for them, in this turn. */
  work = 0;
  /** Where the reading of packets stops until the next turn. */
  workLimit = TURN_WORK;
  readonly #dirty: TurnMember[] = [];
  /** Flushed after all others, and with them who has published what they get. */
  readonly #crowd: TurnMember[] = [];
  readonly #crowdMakers = new Set<object>();
  readonly #putOff: Inbox[] = [];
  #isTurnScheduled = false;
  readonly #scheduleTurn: ScheduleTurn;
  readonly #publications: Publication[] = [];
  #publicationsInUse = 0;
  #isPublishLoop = false;
  #ticker: Timer | undefined;
  #ticks = 0;

  constructor(
    options: BrokerOptions,
    scheduleTurn: ScheduleTurn,
    makeRetainedSender: (engine: Engine) => RetainedSender,
  ) {
    this.options = resolveBrokerOptions(options);
    this.ledger = options.ledger ?? new Ledger();
    this.ownParty = this.ledger.open(OWN_PARTY);
    this.#partyOf = options.partyOf ?? (({ peer }) => addressParty(peer.address));
    this.#scheduleTurn = scheduleTurn;
    this.clock = this.options.clock;
    this.log = this.options.log;
    this.store = this.options.store;
    this.ownHooks = options.hooks ?? [];
    this.hooks = compileHooks(this.ownHooks);
    const { maxTopicLevels, maxCachedTopics, maxCachedMatches, maxRetainedMessages, maxRetainedBytes } =
      this.options;
    this.topics = new TopicTable({
      subscriptions: this.subscriptions,
      maxTopicLevels,
      maxTopics: maxCachedTopics,
      maxMatches: maxCachedMatches,
      meter: this,
      party: this.ownParty,
      denialOf: (session, topicName) => this.findReceiveDenial(session, topicName),
    });
    this.retained = new RetainedMessages({
      maxRetainedMessages,
      maxRetainedBytes,
      nowMs: () => this.clock.now(),
      onExpired: ({ topicName }) => this.notes.forgetRetained(topicName),
    });
    this.retainedDeliveries = makeRetainedSender(this);
    this.wheel = new TimerWheel(TICK_MS, this.clock.monotonic());
    this.logBudget = new LogBudget(this.clock, this.log);
    this.denials = new Denials(this.logBudget);
    this.commits = new CommitGroup({
      store: this.store,
      stats: this.stats,
      log: this.log,
      logBudget: this.logBudget,
      maxUncommittedBytes: this.options.maxUncommittedBytes,
      turnLater: () => this.turnLater(),
    });
    this.notes = new StoreNotes(this.store, this.commits, this.clock);
    this.sharedChoice = new SharedChoice(this);
    this.takeovers = new TakeoverWatch(this.clock, this.logBudget);
    this.startedAtMs = this.clock.now();
  }

  /** Whom something of a client is booked to, held open until `close`. */
  openParty(client: ClientInfo): Party {
    return this.ledger.open(this.#partyOf(client));
  }

  openOwnParty(): Party {
    return this.ledger.open(OWN_PARTY);
  }

  /** Time for the last bytes to a connection that ends. */
  get lingerMs(): number {
    const atMost = this.state === EngineState.CLOSED ? CLOSING_LINGER_MS : Infinity;
    return Math.min(this.options.lingerMs, atMost);
  }

  startTicking(): void {
    this.#ticker ??= this.clock.setTicker(TICK_MS, () => this.#tick());
  }

  stopTicking(): void {
    this.logBudget.close();
    this.#ticker?.clear();
    this.#ticker = undefined;
  }

  /** Has `connection.endTurn` called when this turn ends. The same one must not be added twice in one turn. */
  flushLater(connection: TurnMember): void {
    if (this.#crowd.length > 0 && this.#crowdMakers.has(connection)) this.#crowd.push(connection);
    else this.#dirty.push(connection);
    if (!this.#isTurnScheduled) this.turnLater();
  }

  /** How many are to be flushed: for `flushCrowdLast`. */
  get dirtyCount(): number {
    return this.#dirty.length;
  }

  /**
   * One message has made all those dirty that come after the first `before`: where they are more than one turn flushes,
   * nobody waits for them but who has published it, and so publishes no faster than they are flushed.
   */
  flushCrowdLast(before: number, publisher: object | undefined): void {
    const dirty = this.#dirty;
    if (dirty.length - before <= TURN_FLUSHES) return;
    if (publisher !== undefined) this.#crowdMakers.add(publisher);
    for (let index = before; index < dirty.length; index++) this.#crowd.push(dirty[index]!);
    dirty.length = before;
  }

  /** Has the work of a turn's end done although no connection has something to send. */
  turnLater(): void {
    if (this.#isTurnScheduled) return;
    this.#isTurnScheduled = true;
    this.#scheduleTurn(this.#endTurn);
  }

  /** Has an inbox read on in the next turn. */
  readLater(inbox: Inbox): void {
    this.#putOff.push(inbox);
    this.turnLater();
  }

  /** A message object to fill; more than one is in use while a hook publishes from within a publish. */
  takePublication(): Publication {
    const index = this.#publicationsInUse++;
    if (index >= MAX_PUBLISH_DEPTH) return new Publication(this.blocks);
    return (this.#publications[index] ??= new Publication(this.blocks));
  }

  givePublication(): void {
    this.#publicationsInUse--;
    const given = this.#publications[this.#publicationsInUse];
    const outer = this.#publications[this.#publicationsInUse - 1];
    // Whose message this program made another of waits for that one too.
    if (given?.isNoted === true && outer !== undefined) outer.isNoted = true;
    given?.end();
    if (this.#publicationsInUse === 0) this.#isPublishLoop = false;
  }

  /**
   * Whether hooks and subscribers of this program publish from within one another too often. Then none of them may any
   * more until all have come back: where each answers twice, thirty-two deep would take a year.
   */
  noticePublishLoop(): boolean {
    if (this.#publicationsInUse >= MAX_PUBLISH_DEPTH) this.#isPublishLoop = true;
    return this.#isPublishLoop;
  }

  /** Whether a subscriber may receive one message of a topic. */
  canReceive(session: ClientSession, topicName: string): boolean {
    const denial = this.findReceiveDenial(session, topicName);
    if (denial !== undefined) denial.count++;
    return denial === undefined;
  }

  /** What messages of a topic that a subscriber may not receive are counted in; kept with the topic's matches. */
  findReceiveDenial(session: ClientSession, topicName: string): DenialCount | undefined {
    if (session.local !== undefined) return undefined;
    for (const hook of session.hooks.authorizeReceive) {
      this.work += ASKED_STEPS;
      let answer: boolean | DenyingRule = false;
      try {
        answer = hook.authorizeReceive(session.client, topicName);
      } catch (error) {
        this.tellHookFailure(hook.name, 'authorizeReceive', error);
      }
      if (answer === true) continue;
      const rule = answer === false ? undefined : answer;
      return this.denials.tell(session.client, { act: 'receive', topic: topicName, hook: hook.name, rule });
    }
    return undefined;
  }

  /** A client has its CONNACK, or has lost the connection that had. */
  countClient(change: 1 | -1): void {
    const { clients } = this;
    clients.connected += change;
    clients.maximum = Math.max(clients.maximum, clients.connected);
  }

  countDrop(topicName: string, session: ClientSession, why: DropReason): void {
    this.stats.dropped[why]++;
    for (const hook of session.hooks.onDropped) {
      this.observe(hook.name, 'onDropped', () => hook.onDropped(topicName, session.clientId, why));
    }
  }

  /** Tells observers that a message was accepted. */
  tellPublished(hooks: CompiledHooks, message: ApplicationMessage, from: ClientInfo | undefined): void {
    for (const hook of hooks.onPublished) {
      this.observe(hook.name, 'onPublished', () => hook.onPublished(message, from));
    }
  }

  /** Calls an observer, whose failure changes nothing. */
  observe(hookName: string, moment: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.tellHookFailure(hookName, moment, error);
    }
  }

  tellHookFailure(hookName: string, moment: string, error: unknown): void {
    this.stats.hookFailures++;
    const fields = { hook: hookName, moment, err: error };
    this.logBudget.write('failures of hooks', fields, `hook ${hookName} failed in ${moment}`, NOBODY);
  }

  readonly #endTurn = (): void => {
    this.#isTurnScheduled = false;
    this.commits.commit();
    this.#flushSome();
    this.retainedDeliveries.continue();
    this.#readOn();
  };

  #flushSome(): void {
    const flushed = flushFirst(this.#dirty, TURN_FLUSHES);
    flushFirst(this.#crowd, Math.max(TURN_FLUSHES - flushed, TURN_CROWD_FLUSHES));
    if (this.#crowd.length === 0) this.#crowdMakers.clear();
    if (this.#dirty.length > 0 || this.#crowd.length > 0) this.turnLater();
  }

  /** Those that had to wait take turns, a slice each, for as long as this turn has time. */
  #readOn(): void {
    const putOff = this.#putOff;
    this.work = 0;
    let next = 0;
    while (next < putOff.length && this.work < TURN_WORK) {
      this.workLimit = Math.min(TURN_WORK, this.work + SLICE_WORK);
      putOff[next++]!.takeTurn();
    }
    putOff.splice(0, next);
    this.work = 0;
    this.workLimit = TURN_WORK;
    if (putOff.length > 0) this.turnLater();
  }

  readonly #advanceWheel = (): void => {
    if (this.#ticker === undefined) return;
    if (this.wheel.advance(this.clock.monotonic(), TURN_TIMERS, this)) this.#scheduleTurn(this.#advanceWheel);
    if (this.work >= this.workLimit) this.turnLater();
  };

  #tick(): void {
    this.#ticks++;
    this.#advanceWheel();
    this.retained.removeExpired(RETAINED_SWEEP);
    this.blocks.trim();
    if (this.#ticks % RETRY_EVERY_TICKS === 0) this.commits.retry();
    if (this.#ticks % FORGET_EVERY_TICKS === 0) this.topics.forgetOldMatches();
  }
}

/** The first ones; those that come meanwhile are behind all others, and nobody waits for ever. */
function flushFirst(members: TurnMember[], most: number): number {
  const count = Math.min(members.length, most);
  for (let index = 0; index < count; index++) members[index]!.endTurn();
  const left = members.length - count;
  for (let index = 0; index < left; index++) members[index] = members[count + index]!;
  members.length = left;
  return count;
}
