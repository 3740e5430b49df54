/** A Client Identifier as a rule writes it: `%u` stands for the user name, `*` at the end for any rest. */
export type ClientIdRule = { readonly text: string; readonly isPrefix: boolean };

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
export function parseClientIdRule(written: string): ClientIdRule | undefined {
  const isPrefix = written.endsWith(ANY_REST);
  const text = isPrefix ? written.slice(0, -1) : written;
  return written === '' || text.includes(ANY_REST) ? undefined : { text, isPrefix };
}

/** Which Client Identifiers clients may come as. */
export class ClientIdRules {
  readonly #written: WrittenRules;
  /** What the rules of all users are about: these can be more than a CONNECT has time to go through. */
  readonly #ids = new Set<string>();
  readonly #beginnings = new Set<string>();
  /** Of the beginnings: they are few, however many users there are. */
  readonly #lengths = new Set<number>();

  constructor(written: WrittenRules) {
    this.#written = written;
    for (const [userName, rules] of written.users) {
      for (const { text, isPrefix } of rules) {
        const expected = forUser(text, userName);
        (isPrefix ? this.#beginnings : this.#ids).add(expected);
        if (isPrefix) this.#lengths.add(expected.length);
      }
    }
  }

  /**
   * Whether a client may come as its Client Identifier: for whom there are rules, one of them must match; for whom
   * there are none, none of another user must.
   */
  mayUse({
    clientId,
    userName,
  }: {
    readonly clientId: string;
    readonly userName: string | undefined;
  }): boolean {
    const { anonymous, users, patterns } = this.#written;
    const own = [...(userName === undefined ? anonymous : (users.get(userName) ?? [])), ...patterns];
    if (own.length > 0) return own.some((rule) => matches(rule, clientId, userName));
    if (this.#ids.has(clientId)) return false;
    for (const length of this.#lengths)
      if (length <= clientId.length && this.#beginnings.has(clientId.slice(0, length))) return false;
    return true;
  }
}

function matches({ text, isPrefix }: ClientIdRule, clientId: string, userName: string | undefined): boolean {
  if (userName === undefined && text.includes(USER_NAME)) return false;
  const expected = forUser(text, userName ?? '');
  return isPrefix ? clientId.startsWith(expected) : clientId === expected;
}

function forUser(text: string, userName: string): string {
  return text.replaceAll(USER_NAME, () => userName);
}
