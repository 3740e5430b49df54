/** A Client Identifier as a rule writes it: `%u` stands for the user name, `*` at the end for any rest. */
export type ClientIdRule = { readonly text: string; readonly isPrefix: boolean };

/** Which Client Identifiers clients may come as. */
export type ClientIdRules = {
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

/**
 * Whether a client may come as its Client Identifier: for whom there are rules, one of them must match; for whom there
 * are none, none of another user must.
 */
export function mayUseClientId(
  { anonymous, users, patterns }: ClientIdRules,
  { clientId, userName }: { readonly clientId: string; readonly userName: string | undefined },
): boolean {
  const own = [...(userName === undefined ? anonymous : (users.get(userName) ?? [])), ...patterns];
  if (own.length > 0) return own.some((rule) => matches(rule, clientId, userName));
  for (const [other, rules] of users) if (rules.some((rule) => matches(rule, clientId, other))) return false;
  return true;
}

function matches({ text, isPrefix }: ClientIdRule, clientId: string, userName: string | undefined): boolean {
  if (userName === undefined && text.includes(USER_NAME)) return false;
  const expected = text.replaceAll(USER_NAME, () => userName ?? '');
  return isPrefix ? clientId.startsWith(expected) : clientId === expected;
}
