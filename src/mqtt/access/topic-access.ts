import { matchesTopicFilter } from '../topics/topic-filter.ts';
import { NO_TOPIC_RULES, type AclRules, type TopicRules } from './acl-file.ts';
import { ClientIdRules } from './client-id-rules.ts';
import { fillPatterns, type PatternSubject } from './client-patterns.ts';
import { covers } from './filter-relations.ts';
import { FilterSet } from './filter-set.ts';
import { NO_RULE, PERMITTED, type WrittenRule } from './written-rule.ts';

/** Topics that one client wrote to and whose verdict is kept; when there are more, it begins anew. */
export const DEFAULT_MAX_VERDICTS_PER_CLIENT = 64;

const NO_RULES: AclRules = {
  anonymous: NO_TOPIC_RULES,
  users: new Map(),
  patterns: [],
  clientIds: new ClientIdRules({ anonymous: [], users: new Map(), patterns: [] }),
  firstUserLine: 0,
};

/** `PERMITTED`, or the rule that denies; `NO_RULE` where none permits. */
type TopicVerdict = WrittenRule;

/**
 * What each client may read and write. Its rules are put together when it is first asked about, and kept for as long
 * as its object lives; verdicts on writing are kept by topic, because the same few come again and again. Verdicts on
 * reading are the broker's to keep.
 *
 * @typeParam C - the same object for as long as a connection lasts
 */
export class TopicAccess<C extends PatternSubject> {
  readonly #maxVerdicts: number;
  #rules: AclRules = NO_RULES;
  #byUser = new Map<string | undefined, RuleSets>();
  #byClient = new WeakMap<C, ClientAccess>();
  /** The client that was asked about last: one that publishes much is asked about many times in a row. */
  #lastClient: C | undefined = undefined;
  #lastAccess: ClientAccess | undefined = undefined;

  constructor(maxVerdictsPerClient: number) {
    this.#maxVerdicts = maxVerdictsPerClient;
  }

  /** Takes the place of all rules; every verdict is forgotten. */
  setRules(rules: AclRules): void {
    this.#rules = rules;
    this.#byUser = new Map();
    this.#byClient = new WeakMap();
    this.#lastClient = undefined;
    this.#lastAccess = undefined;
  }

  judgeWrite(client: C, topicName: string): TopicVerdict {
    return this.#accessOf(client).judgeWrite(topicName);
  }

  judgeRead(client: C, topicName: string): TopicVerdict {
    return this.#accessOf(client).judgeRead(topicName);
  }

  /** Permitted is a subscription that could ever bring a message that the client may read. */
  judgeSubscribe(client: C, topicFilter: string): TopicVerdict {
    return this.#accessOf(client).judgeSubscribe(topicFilter);
  }

  mayWrite(client: C, topicName: string): boolean {
    return this.judgeWrite(client, topicName) === PERMITTED;
  }

  /** Whether a subscription would bring nothing that the client may not read. */
  mayReadAll(client: C, topicFilter: string): boolean {
    return this.#accessOf(client).mayReadAll(topicFilter);
  }

  #accessOf(client: C): ClientAccess {
    const last = this.#lastAccess;
    // An authentication in the middle of a connection may change the user name.
    if (client === this.#lastClient && last !== undefined && last.userName === client.userName) return last;
    let access = this.#byClient.get(client);
    if (access === undefined || access.userName !== client.userName) {
      access = this.#compile(client);
      this.#byClient.set(client, access);
    }
    this.#lastClient = client;
    this.#lastAccess = access;
    return access;
  }

  #compile(client: C): ClientAccess {
    const { patterns } = this.#rules;
    const filled = patterns.length === 0 ? NO_RULE_SETS : compileRules(fillPatterns(patterns, client));
    return new ClientAccess(client.userName, [this.#rulesOfUser(client.userName), filled], this.#maxVerdicts);
  }

  /** One for all clients of a user. Only users of the file are kept, so that made up names do not pile up. */
  #rulesOfUser(userName: string | undefined): RuleSets {
    const { anonymous, users } = this.#rules;
    const rules = userName === undefined ? anonymous : users.get(userName);
    if (rules === undefined) return NO_RULE_SETS;
    const known = this.#byUser.get(userName);
    if (known !== undefined) return known;
    const compiled = compileRules(rules);
    this.#byUser.set(userName, compiled);
    return compiled;
  }
}

type RuleSets = {
  readonly read: FilterSet;
  readonly write: FilterSet;
  readonly deny: FilterSet;
  /** What `deny` is made of, to find out which it was. */
  readonly denials: TopicRules['deny'];
};

function compileRules({ read, write, deny }: TopicRules): RuleSets {
  const denied = toFilterSet(deny.map(({ filter }) => filter));
  return { read: toFilterSet(read), write: toFilterSet(write), deny: denied, denials: deny };
}

/** Most clients have no pattern of some kind; one empty set does for all. */
function toFilterSet(filters: readonly string[]): FilterSet {
  return filters.length === 0 ? NO_FILTERS : new FilterSet(filters);
}

const NO_FILTERS = new FilterSet([]);
const NO_RULE_SETS = compileRules(NO_TOPIC_RULES);

/** The rules of one client: those of its user, and the patterns. */
class ClientAccess {
  readonly userName: string | undefined;
  readonly #own: RuleSets;
  readonly #filled: RuleSets;
  readonly #maxVerdicts: number;
  #lastTopic = '';
  #lastVerdict: TopicVerdict = NO_RULE;
  #verdicts: Map<string, TopicVerdict> | undefined = undefined;

  constructor(
    userName: string | undefined,
    [own, filled]: readonly [RuleSets, RuleSets],
    maxVerdicts: number,
  ) {
    this.userName = userName;
    this.#own = own;
    this.#filled = filled;
    this.#maxVerdicts = maxVerdicts;
  }

  judgeWrite(topicName: string): TopicVerdict {
    // The same topic is the same string: this compares two pointers. A Topic Name is never empty.
    if (topicName === this.#lastTopic) return this.#lastVerdict;
    const verdict = this.#verdicts?.get(topicName) ?? this.#judgeNewWrite(topicName);
    this.#lastTopic = topicName;
    this.#lastVerdict = verdict;
    return verdict;
  }

  #judgeNewWrite(topicName: string): TopicVerdict {
    const verdict = this.#judge('write', topicName);
    // Most devices write to one topic only, and need no table for it.
    if (this.#lastTopic === '') return verdict;
    this.#verdicts ??= new Map([[this.#lastTopic, this.#lastVerdict]]);
    if (this.#verdicts.size >= this.#maxVerdicts) this.#verdicts.clear();
    this.#verdicts.set(topicName, verdict);
    return verdict;
  }

  judgeRead(topicName: string): TopicVerdict {
    return this.#judge('read', topicName);
  }

  judgeSubscribe(topicFilter: string): TopicVerdict {
    const [own, filled] = [this.#own, this.#filled];
    if (own.deny.covers(topicFilter) || filled.deny.covers(topicFilter))
      return this.#findDenial((filter) => covers(filter, topicFilter));
    return own.read.overlaps(topicFilter) || filled.read.overlaps(topicFilter) ? PERMITTED : NO_RULE;
  }

  mayReadAll(topicFilter: string): boolean {
    const [own, filled] = [this.#own, this.#filled];
    if (own.deny.overlaps(topicFilter) || filled.deny.overlaps(topicFilter)) return false;
    return own.read.covers(topicFilter) || filled.read.covers(topicFilter);
  }

  #judge(access: 'read' | 'write', topicName: string): TopicVerdict {
    const [own, filled] = [this.#own, this.#filled];
    if (own.deny.matches(topicName) || filled.deny.matches(topicName))
      return this.#findDenial((filter) => matchesTopicFilter(filter, topicName));
    return own[access].matches(topicName) || filled[access].matches(topicName) ? PERMITTED : NO_RULE;
  }

  /** The first in the file, of the user's own before patterns. */
  #findDenial(isIt: (filter: string) => boolean): WrittenRule {
    const found = ({ denials }: RuleSets) => denials.find(({ filter }) => isIt(filter))?.rule;
    return found(this.#own) ?? found(this.#filled) ?? NO_RULE;
  }
}
