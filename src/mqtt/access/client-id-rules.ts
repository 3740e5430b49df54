import type { WrittenRule } from './written-rule.ts';

/** A Client Identifier as a rule writes it: `%u` stands for the user name, `*` at the end for any rest. */
type ClientIdPattern = { readonly text: string; readonly isPrefix: boolean };
export type ClientIdRule = ClientIdPattern & { readonly rule: WrittenRule };

type WrittenRules = {
  /** Of clients without a user name. */
  readonly anonymous: readonly ClientIdRule[];
  readonly users: ReadonlyMap<string, readonly ClientIdRule[]>;
  /** Of every client. */
  readonly patterns: readonly ClientIdRule[];
};

const USER_NAME = '%u';
const ANY_REST = '*';

/** Undefined when it is none. */
export function parseClientIdRule(written: string): ClientIdPattern | undefined {
  const isPrefix = written.endsWith(ANY_REST);
  const text = isPrefix ? written.slice(0, -1) : written;
  return written === '' || text.includes(ANY_REST) ? undefined : { text, isPrefix };
}

/** Which Client Identifiers clients may come as. */
export class ClientIdRules {
  readonly #written: WrittenRules;
  /** What the rules of all users are about: these can be more than a CONNECT has time to go through. */
  readonly #ids = new Map<string, WrittenRule>();
  readonly #beginnings = new Map<string, WrittenRule>();
  /** Of the beginnings: they are few, however many users there are. */
  readonly #lengths = new Set<number>();

  constructor(written: WrittenRules) {
    this.#written = written;
    for (const [userName, rules] of written.users) {
      for (const { text, isPrefix, rule } of rules) {
        const expected = forUser(text, userName);
        (isPrefix ? this.#beginnings : this.#ids).set(expected, rule);
        if (isPrefix) this.#lengths.add(expected.length);
      }
    }
  }

  /**
   * The rule that keeps a client from coming as its Client Identifier: for whom there are rules, one of them must
   * match, and the first denies else; for whom there are none, none of another user must.
   */
  findDenial({
    clientId,
    userName,
  }: {
    readonly clientId: string;
    readonly userName: string | undefined;
  }): WrittenRule | undefined {
    const { anonymous, users, patterns } = this.#written;
    const own = [...(userName === undefined ? anonymous : (users.get(userName) ?? [])), ...patterns];
    if (own.length > 0)
      return own.some((rule) => matches(rule, clientId, userName)) ? undefined : own[0]!.rule;
    const bound = this.#ids.get(clientId);
    if (bound !== undefined) return bound;
    for (const length of this.#lengths) {
      const beginning =
        length <= clientId.length ? this.#beginnings.get(clientId.slice(0, length)) : undefined;
      if (beginning !== undefined) return beginning;
    }
    return undefined;
  }
}

function matches(
  { text, isPrefix }: ClientIdPattern,
  clientId: string,
  userName: string | undefined,
): boolean {
  if (userName === undefined && text.includes(USER_NAME)) return false;
  const expected = forUser(text, userName ?? '');
  return isPrefix ? clientId.startsWith(expected) : clientId === expected;
}

function forUser(text: string, userName: string): string {
  return text.replaceAll(USER_NAME, () => userName);
}
