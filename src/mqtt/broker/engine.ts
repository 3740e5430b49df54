import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { TimerWheel } from '../../base/timer-wheel.ts';
import type { Session } from '../session/session.ts';
import type { QueuedTotal } from '../session/message-queue.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import { RetainedMessages } from '../topics/retained-messages.ts';
import { SubscriptionTree } from '../topics/subscription-tree.ts';
import { TopicTable } from '../topics/topic-table.ts';
import { CommitGroup } from './commit-group.ts';
import { compileHooks, type CompiledHooks } from './compiled-hooks.ts';
import { end } from './connection/end-connection.ts';
import type { Inbox } from './connection/inbox.ts';
import type { Connection } from './connection/connection.ts';
import type { ApplicationMessage, BrokerHooks, ClientInfo, DropReason } from './hooks.ts';
import { resolveBrokerOptions, type BrokerOptions, type ResolvedBrokerOptions } from './options.ts';
import { LogBudget } from './log-budget.ts';
import { Publication } from './publication.ts';
import { RetainedDeliveries } from './retained-deliveries.ts';
import { SharedChoice } from './shared-choice.ts';
import { BrokerStats } from './stats.ts';
import { forgetRetained } from './store-notes.ts';
import { TakeoverWatch } from './takeovers.ts';
import { WriterPool } from './connection/writer-pool.ts';

const TICK_MS = 250;
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

/** What a rule counts for that a hook looks up. */
export const ASKED_WORK = 4;

/** Timers that are looked at in one turn: a session that ends has its subscriptions taken away, and its Will told. */
const TURN_TIMERS = 256;

/** Connections that are flushed in one turn: each costs a call of the system. The others come in the next one. */
const TURN_FLUSHES = 256;

/** `publish` from within a `publish`, through hooks and subscribers of this program: beyond it they answer themselves. */
export const MAX_PUBLISH_DEPTH = 32;

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
  readonly sessions = new Map<string, Session>();
  readonly connections = new Set<Connection>();
  readonly subscriptions = new SubscriptionTree<Session>(this);
  readonly topics: TopicTable<Session>;
  readonly retained: RetainedMessages<StoredMessage>;
  readonly retainedDeliveries: RetainedDeliveries;
  readonly writers = new WriterPool();
  readonly wheel: TimerWheel;
  readonly commits: CommitGroup;
  readonly takeovers: TakeoverWatch;
  readonly logBudget: LogBudget;
  /** What waits in all sessions. */
  readonly queued: QueuedTotal = { bytes: 0 };
  readonly sharedChoice: SharedChoice;
  readonly startedAtMs: number;
  isClosing = false;
  /** Packets that were read, deliveries, nodes and rules that were looked at for them, in this turn. */
  work = 0;
  /** Where the reading of packets stops until the next turn. */
  workLimit = TURN_WORK;
  /** How often something was noted in the store. */
  notes = 0;
  readonly #dirty: Connection[] = [];
  readonly #putOff: Inbox[] = [];
  #isTurnScheduled = false;
  readonly #scheduleTurn: ScheduleTurn;
  readonly #publications: Publication[] = [];
  #publicationsInUse = 0;
  #isPublishLoop = false;
  #ticker: Timer | undefined;
  #ticks = 0;

  constructor(options: BrokerOptions, scheduleTurn: ScheduleTurn) {
    this.options = resolveBrokerOptions(options);
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
      canReceive: (session, topicName) => this.canReceive(session, topicName),
    });
    this.retained = new RetainedMessages({
      maxRetainedMessages,
      maxRetainedBytes,
      nowMs: () => this.clock.now(),
      onExpired: ({ topicName }) => forgetRetained(this, topicName),
    });
    this.retainedDeliveries = new RetainedDeliveries(this);
    this.wheel = new TimerWheel(TICK_MS, this.clock.monotonic());
    this.commits = new CommitGroup(this);
    this.sharedChoice = new SharedChoice(this);
    this.logBudget = new LogBudget(this.clock, this.log);
    this.takeovers = new TakeoverWatch(this.clock, this.logBudget);
    this.startedAtMs = this.clock.now();
  }

  startTicking(): void {
    this.#ticker ??= this.clock.setTicker(TICK_MS, () => this.#tick());
  }

  stopTicking(): void {
    this.logBudget.tell(true);
    this.#ticker?.clear();
    this.#ticker = undefined;
  }

  /** Has `connection.flush` called when this turn ends. The same one must not be added twice in one turn. */
  flushLater(connection: Connection): void {
    this.#dirty.push(connection);
    if (!this.#isTurnScheduled) this.turnLater();
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
    if (index >= MAX_PUBLISH_DEPTH) return new Publication();
    return (this.#publications[index] ??= new Publication());
  }

  givePublication(): void {
    this.#publicationsInUse--;
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

  /** Whether a subscriber may receive a topic: the answer is kept with the topic's matches. */
  canReceive(session: Session, topicName: string): boolean {
    if (session.local !== undefined) return true;
    const authorizers = session.hooks.authorizeReceive;
    for (const hook of authorizers) {
      this.work += ASKED_WORK;
      try {
        if (!hook.authorizeReceive(session.client, topicName)) return false;
      } catch (error) {
        this.tellHookFailure(hook.name, 'authorizeReceive', error);
        return false;
      }
    }
    return true;
  }

  countDrop(topicName: string, session: Session, why: DropReason): void {
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
    this.logBudget.write('failures of hooks', fields, `hook ${hookName} failed in ${moment}`);
  }

  readonly #endTurn = (): void => {
    this.#isTurnScheduled = false;
    this.commits.commit();
    this.#flushSome();
    this.retainedDeliveries.continue();
    this.#readOn();
  };

  /** The first ones; those that come meanwhile are behind all others, and nobody waits for ever. */
  #flushSome(): void {
    const dirty = this.#dirty;
    const count = Math.min(dirty.length, TURN_FLUSHES);
    for (let index = 0; index < count; index++) this.#flush(dirty[index]!);
    const left = dirty.length - count;
    for (let index = 0; index < left; index++) dirty[index] = dirty[count + index]!;
    dirty.length = left;
    if (left > 0) this.turnLater();
  }

  /** One that fails must not keep the others from being flushed: they would never be again. */
  #flush(connection: Connection): void {
    try {
      connection.outbox.endTurn();
    } catch (error) {
      end(connection, 'unwritable', { error });
    }
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
    if (this.wheel.advance(this.clock.monotonic(), TURN_TIMERS)) this.#scheduleTurn(this.#advanceWheel);
  };

  #tick(): void {
    this.#ticks++;
    this.#advanceWheel();
    this.retained.removeExpired(RETAINED_SWEEP);
    this.logBudget.tell();
    if (this.#ticks % RETRY_EVERY_TICKS === 0) this.commits.retry();
    if (this.#ticks % FORGET_EVERY_TICKS === 0) this.topics.forgetOldMatches();
  }
}
