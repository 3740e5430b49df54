import { fail, succeed, type Result } from '../../base/result.ts';
import { parseTopicFilter } from '../topics/topic-filter.ts';
import { TOPIC_FAULT_WORDS, TopicFault } from '../topics/topic-name.ts';
import { parseClientIdRule, ClientIdRules, type ClientIdRule } from './client-id-rules.ts';
import { MAX_TOLD_FAULTS, type LineFault } from './file-fault.ts';
import type { WrittenRule } from './written-rule.ts';

type DenyRule = { readonly filter: string; readonly rule: WrittenRule };

/** Topic Filters by what they permit. A denial is for reading and writing alike, and wins over every permission. */
export type TopicRules = {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly deny: readonly DenyRule[];
};

/** A filter with `%c` or `%u` in the place of some of its levels. */
export type PatternRule = {
  readonly access: Access;
  readonly levels: readonly string[];
  readonly rule: WrittenRule;
};

export type AclRules = {
  /** Of clients without a user name. */
  readonly anonymous: TopicRules;
  readonly users: ReadonlyMap<string, TopicRules>;
  /** Of every client, with a user name or without. */
  readonly patterns: readonly PatternRule[];
  readonly clientIds: ClientIdRules;
  /** The first line that gives rights by user name; 0 when none does. */
  readonly firstUserLine: number;
};

type Access = 'read' | 'write' | 'readwrite' | 'deny';

/** Rules of one user of a kind, or patterns, which are everybody's. What is new to a client is held against each. */
export const MAX_RULES_PER_USER = 1000;
/** Levels of a filter in a rule. */
export const MAX_RULE_LEVELS = 128;

const CLIENT_ID = 'clientid';
export const CLIENT_ID_LEVEL = '%c';
export const USER_NAME_LEVEL = '%u';

export const NO_TOPIC_RULES: TopicRules = Object.freeze({ read: [], write: [], deny: [] });

const ACCESSES: readonly string[] = ['read', 'write', 'readwrite', 'deny'] satisfies Access[];

const FAULT_TEXTS: Readonly<Record<TopicFault, string>> = {
  ...TOPIC_FAULT_WORDS,
  [TopicFault.TooManyLevels]: `has more than ${MAX_RULE_LEVELS} levels`,
  [TopicFault.ShareName]:
    'begins with $share/; write the filter alone, it counts for shared subscriptions too',
};

/**
 * Reads access rules in Mosquitto's words, a line each; empty lines and lines that begin with `#` are left out:
 *
 * ```
 * topic read news/#                 # no user line yet: for clients without a user name, and only for them
 * user ann
 * topic write house/+/set           # read, write, readwrite or deny; without a word: readwrite
 * topic deny house/safe/#
 * user bob
 * topic readwrite a topic with spaces/#
 * clientid bob-phone                # ours: the client ids that bob may come as, and nobody else
 * pattern write sensor/%c/data      # for everybody, wherever the line stands; %c: client id, %u: user name
 * pattern clientid %u-*             # everybody's client id begins with the user name and -
 * ```
 *
 * (A line has no comment at its end: it would be part of the topic.) What no rule permits is forbidden, so an empty
 * file forbids everything. `deny` is for both directions, and wins over every permission, wherever it stands; in
 * Mosquitto a `pattern deny` does not win over a `topic`. `%c` and `%u` must be alone in their level. A wildcard at
 * the start does not match topics that begin with `$`, as in subscriptions.
 */
export function parseAclFile(text: string): Result<AclRules, readonly LineFault[]> {
  const reader = new AclReader();
  for (const [index, written] of text.split('\n').entries()) {
    const line = written.trim();
    if (line === '' || written.startsWith('#')) continue;
    reader.read(line, index + 1);
    if (reader.faults.length === MAX_TOLD_FAULTS) break;
  }
  const { anonymous, users, patterns, firstUserLine, faults } = reader;
  if (faults.length > 0) return fail(faults);
  const clientIds = new ClientIdRules(reader.clientIds);
  return succeed({ anonymous, users, patterns, clientIds, firstUserLine });
}

type OpenRules = { readonly read: string[]; readonly write: string[]; readonly deny: DenyRule[] };

class AclReader {
  readonly anonymous: OpenRules = emptyRules();
  readonly users = new Map<string, OpenRules>();
  readonly patterns: PatternRule[] = [];
  readonly clientIds = {
    anonymous: [] as ClientIdRule[],
    users: new Map<string, ClientIdRule[]>(),
    patterns: [] as ClientIdRule[],
  };
  readonly faults: LineFault[] = [];
  firstUserLine = 0;
  /** Whose rules `topic` lines are. */
  #current: OpenRules = this.anonymous;
  /** Before the name of such a rule. */
  #owner = '';
  #currentIds: ClientIdRule[] = this.clientIds.anonymous;

  read(text: string, line: number): void {
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/u.exec(text) ?? [];
    const message = this.#take(word, rest, line);
    if (message !== undefined) this.faults.push({ line, message });
  }

  #take(word: string, rest: string, line: number): string | undefined {
    if (word === 'user') return this.#takeUser(rest, line);
    if (word === CLIENT_ID)
      return this.#takeClientId(rest, this.#currentIds, { line, name: `${this.#owner}${CLIENT_ID} ${rest}` });
    if (word !== 'topic' && word !== 'pattern')
      return `${JSON.stringify(word)} begins no rule; there are user, topic, clientid and pattern`;
    const [, first = '', filter = ''] = /^(\S+)\s*(.*)$/u.exec(rest) ?? [];
    if (word === 'pattern' && first === CLIENT_ID) {
      if (filter.includes(USER_NAME_LEVEL)) this.#noteUserLine(line);
      return this.#takeClientId(filter, this.clientIds.patterns, {
        line,
        name: `pattern ${CLIENT_ID} ${filter}`,
      });
    }
    if (filter === '' && (first === '' || ACCESSES.includes(first)))
      return `names no topic; write "${word} ${first === '' ? 'read' : first} TOPIC"`;
    if (filter !== '' && !ACCESSES.includes(first))
      return `${JSON.stringify(first)} is no access; write ${ACCESSES.join(', ')} before a topic with spaces`;
    const access = filter === '' ? 'readwrite' : (first as Access);
    const topic = filter === '' ? first : filter;
    const written = { line, name: `${word} ${access} ${topic}` };
    return word === 'topic'
      ? this.#takeTopic(access, topic, written)
      : this.#takePattern(access, topic, written);
  }

  #takeUser(userName: string, line: number): string | undefined {
    if (userName === '') return 'names no user; write "user NAME"';
    this.#current = this.users.get(userName) ?? emptyRules();
    this.users.set(userName, this.#current);
    this.#owner = `user ${userName}: `;
    this.#currentIds = this.clientIds.users.get(userName) ?? [];
    this.clientIds.users.set(userName, this.#currentIds);
    this.#noteUserLine(line);
    return undefined;
  }

  #takeClientId(written: string, rules: ClientIdRule[], rule: WrittenRule): string | undefined {
    const pattern = parseClientIdRule(written);
    if (pattern === undefined)
      return `names no client id; write "${CLIENT_ID} ID", or a beginning and * for any rest`;
    rules.push({ ...pattern, rule });
    return rules.length > MAX_RULES_PER_USER ? `is more than ${MAX_RULES_PER_USER} client ids` : undefined;
  }

  #takeTopic(access: Access, filter: string, { line, name }: WrittenRule): string | undefined {
    const fault = findFilterFault(filter);
    if (fault !== undefined) return fault;
    const { read, write, deny } = this.#current;
    if (access === 'deny') deny.push({ filter, rule: { line, name: this.#owner + name } });
    if (access === 'read' || access === 'readwrite') read.push(filter);
    if (access === 'write' || access === 'readwrite') write.push(filter);
    const isTooMany = Math.max(read.length, write.length) + deny.length > MAX_RULES_PER_USER;
    return isTooMany
      ? `is more than ${MAX_RULES_PER_USER} rules for one user; join some with wildcards`
      : undefined;
  }

  #takePattern(access: Access, pattern: string, rule: WrittenRule): string | undefined {
    const levels = pattern.split('/');
    const isVariable = (level: string): boolean => level === CLIENT_ID_LEVEL || level === USER_NAME_LEVEL;
    if (levels.some((level) => !isVariable(level) && /%[cu]/.test(level)))
      return '%c and %u must be alone in their level: sensor/%c/data';
    const fault = findFilterFault(levels.map((level) => (isVariable(level) ? 'x' : level)).join('/'));
    if (fault !== undefined) return fault;
    if (levels.includes(USER_NAME_LEVEL)) this.#noteUserLine(rule.line);
    this.patterns.push({ access, levels, rule });
    return this.patterns.length > MAX_RULES_PER_USER
      ? `is more than ${MAX_RULES_PER_USER} patterns`
      : undefined;
  }

  #noteUserLine(line: number): void {
    if (this.firstUserLine === 0) this.firstUserLine = line;
  }
}

function findFilterFault(filter: string): string | undefined {
  const parsed = parseTopicFilter(filter, MAX_RULE_LEVELS);
  const fault = parsed.ok && parsed.value.shareName !== undefined ? TopicFault.ShareName : undefined;
  const found = parsed.ok ? fault : parsed.failure;
  return found === undefined ? undefined : `the topic ${JSON.stringify(filter)} ${FAULT_TEXTS[found]}`;
}

function emptyRules(): OpenRules {
  return { read: [], write: [], deny: [] };
}
