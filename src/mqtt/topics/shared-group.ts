import type { SubscriptionMatch } from './subscription-match.ts';

/** How well a member can take a message. */
export const MemberRank = {
  /** It may not have it. */
  DENIED: 0,
  /** It gets it when it comes back. */
  AWAY: 1,
  /** It is there, and other messages wait for it. */
  BUSY: 2,
  READY: 3,
} as const;
export type MemberRank = (typeof MemberRank)[keyof typeof MemberRank];

/** Whoever is asked may publish and have members leave: what it needs to know comes with the question. */
type RankMember<S> = (match: SubscriptionMatch<S>, topicName: string) => MemberRank;

/** Members that are looked at for one that is ready, once one is known that is there. */
const MAX_LOOKS = 64;

type Member<S> = {
  match: SubscriptionMatch<S>;
  /** Undefined when it has left. */
  ring: Ring<S> | undefined;
  next: Member<S>;
  previous: Member<S>;
};

/** Members in turn. */
class Ring<S> {
  /** Whose turn it is. */
  turn: Member<S> | undefined = undefined;
  size = 0;

  /** Puts the member in front of the one whose turn it is: at the end of the round. */
  link(member: Member<S>): void {
    const { turn } = this;
    member.ring = this;
    this.size++;
    if (turn === undefined) {
      member.next = member;
      member.previous = member;
      this.turn = member;
      return;
    }
    member.next = turn;
    member.previous = turn.previous;
    turn.previous.next = member;
    turn.previous = member;
  }

  unlink(member: Member<S>): void {
    member.ring = undefined;
    this.size--;
    member.previous.next = member.next;
    member.next.previous = member.previous;
    if (this.turn === member) this.turn = member.next === member ? undefined : member.next;
  }
}

/**
 * The members of one Shared Subscription (MQTT 5.0 section 4.8.2), in turn: each message goes to one of them.
 *
 * A member that can take messages gets at least one of as many as there are members. One that cannot is passed over
 * and loses only that turn. A new member's first turn comes after all others had theirs, and so does that of one who
 * was away. Those who are away are kept apart, so that however many they are, nobody walks past them for each message.
 */
export class SharedGroup<S> {
  readonly shareName: string;
  /** Without `$share/{ShareName}/`. */
  readonly topicFilter: string;
  readonly #members = new Map<S, Member<S>>();
  readonly #present = new Ring<S>();
  readonly #away = new Ring<S>();

  constructor(filter: { shareName: string; topicFilter: string }) {
    this.shareName = filter.shareName;
    this.topicFilter = filter.topicFilter;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Takes a member in; one that is there already keeps its turn and gets new options. */
  set(match: SubscriptionMatch<S>): void {
    const known = this.#members.get(match.subscriber);
    if (known !== undefined) {
      known.match = match;
      return;
    }
    const member = { match } as Member<S>;
    this.#present.link(member);
    this.#members.set(match.subscriber, member);
  }

  /** False when the subscriber was no member. */
  delete(subscriber: S): boolean {
    const member = this.#members.get(subscriber);
    if (member === undefined) return false;
    this.#members.delete(subscriber);
    member.ring?.unlink(member);
    return true;
  }

  /** A member that was away is there again. */
  welcome(subscriber: S): void {
    const member = this.#members.get(subscriber);
    if (member === undefined || member.ring !== this.#away) return;
    this.#away.unlink(member);
    this.#present.link(member);
  }

  /**
   * The next member that is ready, else one that is there, else one that is away; and gives the turn to the one after
   * it. Undefined when none may have the message. Never more than one round, and of those who are away only as far as
   * the first that may have it.
   */
  choose(rankOf: RankMember<S>, topicName: string): SubscriptionMatch<S> | undefined {
    const chosen = this.#choosePresent(rankOf, topicName) ?? this.#chooseAway(rankOf, topicName);
    if (chosen === undefined) return undefined;
    if (chosen.ring !== undefined) chosen.ring.turn = chosen.next;
    return chosen.match;
  }

  #choosePresent(rankOf: RankMember<S>, topicName: string): Member<S> | undefined {
    const present = this.#present;
    let busy: Member<S> | undefined;
    let member = present.turn;
    let left = present.size;
    for (let looks = 2 * left; member !== undefined && left > 0 && looks > 0; looks--) {
      const { next } = member;
      const rank = rankOf(member.match, topicName);
      left--;
      if (member.ring === present) {
        if (rank === MemberRank.READY) return member;
        if (rank === MemberRank.AWAY) {
          present.unlink(member);
          this.#away.link(member);
        } else if (rank === MemberRank.BUSY && busy === undefined) {
          busy = member;
          left = Math.min(left, MAX_LOOKS - 1);
        }
      }
      if (next.ring === present) member = next;
      else {
        // Whoever was asked has had members leave: the round begins anew, once.
        member = present.turn;
        left = present.size;
      }
    }
    return busy?.ring === present ? busy : undefined;
  }

  #chooseAway(rankOf: RankMember<S>, topicName: string): Member<S> | undefined {
    const away = this.#away;
    let member = away.turn;
    for (let left = away.size; member !== undefined && left > 0; left--) {
      const { next } = member;
      if (rankOf(member.match, topicName) !== MemberRank.DENIED && member.ring !== undefined) return member;
      member = next.ring === away ? next : away.turn;
    }
    return undefined;
  }
}
