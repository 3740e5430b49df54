import type { ClientSession } from './client-session.ts';
import { MemberRank } from '../topics/shared-group.ts';
import type { SubscriptionMatch } from '../topics/subscription-match.ts';

/** What is asked of the broker about a member. */
type MemberRules = {
  canReceive(session: ClientSession, topicName: string): boolean;
  /** What was done in this turn. */
  work: number;
};

/** How well members of a Shared Subscription can take a message. */
export class SharedChoice {
  readonly #rules: MemberRules;

  constructor(rules: MemberRules) {
    this.#rules = rules;
  }

  readonly rankOf = ({ subscriber }: SubscriptionMatch<ClientSession>, topicName: string): MemberRank => {
    this.#rules.work++;
    if (!this.#rules.canReceive(subscriber, topicName)) return MemberRank.DENIED;
    if (subscriber.local !== undefined) return MemberRank.READY;
    if (subscriber.connection === undefined) return MemberRank.AWAY;
    return subscriber.isIdle ? MemberRank.READY : MemberRank.BUSY;
  };
}
