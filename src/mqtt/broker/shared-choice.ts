import type { Session } from '../session/session.ts';
import type { SubscriptionMatch } from '../topics/subscription-match.ts';
import type { Engine } from './engine.ts';

type Match = SubscriptionMatch<Session>;

/** Which members of a Shared Subscription may get a message: made once, and told the topic of each message. */
export class SharedChoice {
  topicName = '';
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Connected, reading, and with nothing waiting. */
  readonly isReady = ({ subscriber }: Match): boolean => {
    const { connection, queue, local } = subscriber;
    const isIdle =
      connection !== undefined && !connection.isBlocked && (queue === undefined || queue.count === 0);
    return (isIdle || local !== undefined) && this.#engine.canReceive(subscriber, this.topicName);
  };

  readonly isThere = ({ subscriber }: Match): boolean =>
    (subscriber.connection !== undefined || subscriber.local !== undefined) &&
    this.#engine.canReceive(subscriber, this.topicName);

  /** Also one that is away, and whose session goes on. */
  readonly isAllowed = ({ subscriber }: Match): boolean =>
    this.#engine.canReceive(subscriber, this.topicName);
}
