import { NO_TOPIC_RULES, type AclRules, type TopicRules } from './acl-file.ts';
import { fillPatterns, type PatternSubject } from './client-patterns.ts';
import { FilterSet } from './filter-set.ts';

/** Topics that one client wrote to and whose verdict is kept; when there are more, it begins anew. */
export const DEFAULT_MAX_VERDICTS_PER_CLIENT = 64;

const NO_RULES: AclRules = {
  anonymous: NO_TOPIC_RULES,
  users: new Map(),
  patterns: [],
  clientIds: { anonymous: [], users: new Map(), patterns: [] },
  firstUserLine: 0,
};

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

  mayWrite(client: C, topicName: string): boolean {
    return this.#accessOf(client).mayWrite(topicName);
  }

  mayRead(client: C, topicName: string): boolean {
    return this.#accessOf(client).mayRead(topicName);
  }

  /** Whether a subscription could ever bring a message that the client may read. */
  maySubscribe(client: C, topicFilter: string): boolean {
    return this.#accessOf(client).maySubscribe(topicFilter);
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

type RuleSets = { readonly read: FilterSet; readonly write: FilterSet; readonly deny: FilterSet };

function compileRules({ read, write, deny }: TopicRules): RuleSets {
  return { read: toFilterSet(read), write: toFilterSet(write), deny: toFilterSet(deny) };
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
  #lastMayWrite = false;
  #verdicts: Map<string, boolean> | undefined = undefined;

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

  mayWrite(topicName: string): boolean {
    // The same topic is the same string: this compares two pointers. A Topic Name is never empty.
    if (topicName === this.#lastTopic) return this.#lastMayWrite;
    const may = this.#verdicts?.get(topicName) ?? this.#judgeWrite(topicName);
    this.#lastTopic = topicName;
    this.#lastMayWrite = may;
    return may;
  }

  #judgeWrite(topicName: string): boolean {
    const may = !this.#isDenied(topicName) && this.#isPermitted('write', topicName);
    // Most devices write to one topic only, and need no table for it.
    if (this.#lastTopic === '') return may;
    this.#verdicts ??= new Map([[this.#lastTopic, this.#lastMayWrite]]);
    if (this.#verdicts.size >= this.#maxVerdicts) this.#verdicts.clear();
    this.#verdicts.set(topicName, may);
    return may;
  }

  mayRead(topicName: string): boolean {
    return !this.#isDenied(topicName) && this.#isPermitted('read', topicName);
  }

  maySubscribe(topicFilter: string): boolean {
    if (this.#own.deny.covers(topicFilter) || this.#filled.deny.covers(topicFilter)) return false;
    return this.#own.read.overlaps(topicFilter) || this.#filled.read.overlaps(topicFilter);
  }

  #isPermitted(access: 'read' | 'write', topicName: string): boolean {
    return this.#own[access].matches(topicName) || this.#filled[access].matches(topicName);
  }

  #isDenied(topicName: string): boolean {
    return this.#own.deny.matches(topicName) || this.#filled.deny.matches(topicName);
  }
}
