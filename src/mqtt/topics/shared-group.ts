import type { SubscriptionMatch } from './subscription-match.ts';

type Member<S> = { match: SubscriptionMatch<S>; next: Member<S>; previous: Member<S> };

/**
 * The members of one Shared Subscription (MQTT 5.0 section 4.8.2), in turn: each message goes to one of them.
 *
 * A member that can take messages gets at least one of as many as there are members. One that cannot is passed over
 * and loses only that turn. A new member's first turn comes after all others had theirs.
 */
export class SharedGroup<S> {
  readonly shareName: string;
  /** Without `$share/{ShareName}/`. */
  readonly topicFilter: string;
  readonly #members = new Map<S, Member<S>>();
  /** Whose turn it is; the members form a ring. */
  #turn: Member<S> | undefined;

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
    this.#members.set(match.subscriber, this.#link(match));
  }

  /** False when the subscriber was no member. */
  delete(subscriber: S): boolean {
    const member = this.#members.get(subscriber);
    if (member === undefined) return false;
    this.#members.delete(subscriber);
    member.previous.next = member.next;
    member.next.previous = member.previous;
    if (this.#turn === member) this.#turn = member.next === member ? undefined : member.next;
    return true;
  }

  /**
   * The next member that can take a message, and gives the turn to the one after it; undefined when none can.
   * Never more than one round.
   */
  choose(canTake: (match: SubscriptionMatch<S>) => boolean): SubscriptionMatch<S> | undefined {
    let member = this.#turn;
    if (member === undefined) return undefined;
    for (let left = this.#members.size; left > 0; left--) {
      if (canTake(member.match)) {
        this.#turn = member.next;
        return member.match;
      }
      member = member.next;
    }
    return undefined;
  }

  /** Puts the member in front of the one whose turn it is: at the end of the round. */
  #link(match: SubscriptionMatch<S>): Member<S> {
    const turn = this.#turn;
    if (turn === undefined) {
      const only = { match } as Member<S>;
      only.next = only;
      only.previous = only;
      this.#turn = only;
      return only;
    }
    const member = { match, next: turn, previous: turn.previous };
    turn.previous.next = member;
    turn.previous = member;
    return member;
  }
}
