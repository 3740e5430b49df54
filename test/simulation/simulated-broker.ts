import { Broker, type LocalSubscribeOptions, type LocalSubscription } from '../../src/mqtt/broker/broker.ts';
import type { BrokerHooks, DropReason } from '../../src/mqtt/broker/hooks.ts';
import type { LocalReceiver } from '../../src/mqtt/broker/client-session.ts';
import type { SessionStore } from '../../src/mqtt/session/session-store.ts';
import type { Clock } from '../../src/base/clock.ts';
import { silentLogger, type Logger } from '../../src/base/logger.ts';
import { brokerOptionsOf, type SimulationRules } from './simulation-rules.ts';
import { SimulationFailure } from './simulation-failure.ts';

/** What the broker says of itself, in its order. */
export type BrokerEvent =
  | { readonly kind: 'published'; readonly payload: string; readonly isClients: boolean }
  | {
      readonly kind: 'dropped';
      readonly topicName: string;
      readonly clientId: string;
      readonly why: DropReason;
    }
  | {
      readonly kind: 'disconnected';
      readonly clientId: string;
      readonly reasonCode: number;
      readonly by: string;
    }
  | {
      readonly kind: 'local';
      readonly clientId: string;
      readonly topicName: string;
      readonly payload: string;
      readonly qos: 0 | 1 | 2;
      readonly retain: boolean;
    };

/** More jobs than this, one after the other, and the broker keeps itself busy for nothing. */
const MAX_JOBS = 100_000;

/** The real broker, with everything that it does later in one line, to be called one after the other. */
export class SimulatedBroker {
  readonly broker: Broker;
  events: BrokerEvent[] = [];
  readonly locals = new Map<string, LocalSubscription>();
  #jobs: (() => void)[] = [];

  constructor(rules: SimulationRules, clock: Clock, store: SessionStore | undefined) {
    const options = brokerOptionsOf(rules);
    const log = strictLog;
    this.broker = new Broker(
      { ...options, clock, log, hooks: [this.#hooks()], ...(store === undefined ? {} : { store }) },
      (run) => this.later(run),
    );
  }

  /** Something for `runJobs`. */
  readonly later = (run: () => void): void => {
    this.#jobs.push(run);
  };

  get hasJobs(): boolean {
    return this.#jobs.length > 0;
  }

  /** Runs what was to be done later, and what comes of it. */
  runJobs(): void {
    for (let count = 0; this.#jobs.length > 0; count++) {
      if (count > MAX_JOBS) throw new SimulationFailure('the broker never comes to rest');
      const jobs = this.#jobs;
      this.#jobs = [];
      for (const run of jobs) run();
    }
  }

  takeEvents(): BrokerEvent[] {
    const { events } = this;
    if (events.length > 0) this.events = [];
    return events;
  }

  subscribeLocally(clientId: string, filter: string, options: LocalSubscribeOptions): void {
    const onMessage: LocalReceiver = ({ topicName, payload }, { qos, retain }) => {
      const text = Buffer.from(payload).toString('latin1');
      this.events.push({ kind: 'local', clientId, topicName, payload: text, qos, retain });
    };
    const local = this.broker.subscribe(filter, onMessage, options);
    this.locals.set(clientId, local);
  }

  #hooks(): BrokerHooks {
    return {
      name: 'simulation',
      onPublished: ({ payload }, from) => {
        const text = Buffer.from(payload).toString('latin1');
        this.events.push({ kind: 'published', payload: text, isClients: from !== undefined });
      },
      onDropped: (topicName, clientId, why) => {
        this.events.push({ kind: 'dropped', topicName, clientId, why });
      },
      onDisconnected: ({ clientId }, { by, reasonCode }) => {
        this.events.push({ kind: 'disconnected', clientId, by, reasonCode });
      },
    };
  }
}

/** A log in which an error is a failure: the broker writes one when it has met a fault of its own. */
const strictLog: Logger = {
  ...silentLogger,
  error: (fields, text) => {
    const { err } = fields as { err?: unknown };
    throw new SimulationFailure(`the broker logged: ${text} ${err instanceof Error ? err.stack : ''}`);
  },
};
