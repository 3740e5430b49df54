import type { Session } from '../session/session.ts';
import { MemberRank } from '../topics/shared-group.ts';
import type { SubscriptionMatch } from '../topics/subscription-match.ts';
import type { Engine } from './engine.ts';

/** How well members of a Shared Subscription can take a message. */
export class SharedChoice {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  readonly rankOf = ({ subscriber }: SubscriptionMatch<Session>, topicName: string): MemberRank => {
    this.#engine.work++;
    if (!this.#engine.canReceive(subscriber, topicName)) return MemberRank.DENIED;
    const { connection, queue, local } = subscriber;
    if (local !== undefined) return MemberRank.READY;
    if (connection === undefined) return MemberRank.AWAY;
    const isIdle = connection.outbox.takesMore && (queue === undefined || queue.count === 0);
    return isIdle ? MemberRank.READY : MemberRank.BUSY;
  };
}
