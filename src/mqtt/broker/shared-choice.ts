import type { DenialCount } from '../topics/receive-verdicts.ts';
import { MemberRank } from '../topics/shared-group.ts';
import type { SubscriptionMatch } from '../topics/subscription-match.ts';
import type { ClientSession } from './client-session.ts';

/** What is asked of the broker about a member. */
type MemberRules = {
  findReceiveDenial(session: ClientSession, topicName: string): DenialCount | undefined;
  /** What was done in this turn. */
  work: number;
};

type RankOf = (match: SubscriptionMatch<ClientSession>, topicName: string) => MemberRank;

/** How well members of a Shared Subscription can take a message. */
export class SharedChoice {
  readonly #rules: MemberRules;

  constructor(rules: MemberRules) {
    this.#rules = rules;
  }

  readonly rankOf: RankOf = ({ subscriber }, topicName) =>
    this.#rank(subscriber, this.#rules.findReceiveDenial(subscriber, topicName));

  /** For one message that goes to many groups: a client that is in several of them is asked about once. */
  rankOncePerClient(): RankOf {
    const known = new Map<ClientSession, DenialCount | undefined>();
    return ({ subscriber }, topicName) => {
      let denial = known.get(subscriber);
      if (denial === undefined && !known.has(subscriber)) {
        denial = this.#rules.findReceiveDenial(subscriber, topicName);
        known.set(subscriber, denial);
      }
      return this.#rank(subscriber, denial);
    };
  }

  #rank(session: ClientSession, denial: DenialCount | undefined): MemberRank {
    this.#rules.work++;
    if (denial !== undefined) {
      denial.count++;
      return MemberRank.DENIED;
    }
    if (session.local !== undefined) return MemberRank.READY;
    if (session.connection === undefined) return MemberRank.AWAY;
    return session.isIdle ? MemberRank.READY : MemberRank.BUSY;
  }
}
