import { fail, succeed, type Result } from '../../base/result.ts';
import { MAX_TOLD_FAULTS, type LineFault } from './file-fault.ts';
import { parsePasswordHash, type PasswordHash } from './password-hash.ts';
import { saslPrep } from './sasl-prep.ts';
import { parseScramCredentials, SCRAM_PREFIX, type ScramCredentials } from './scram-credentials.ts';

/** The users of a password file, by user name. One may be in both. */
export type PasswordFile = {
  readonly passwords: ReadonlyMap<string, PasswordHash>;
  readonly scram: ReadonlyMap<string, ScramCredentials>;
};

/** A line that names a user; undefined for comments and empty lines. */
type UserLine = {
  readonly userName: string;
  readonly secret: string;
  readonly kind: 'password' | 'scram';
};

/**
 * Reads a password file. Each line is `user:hash`; empty lines and lines that begin with `#` are left out. A user has
 * at most one line of each kind: a password (`$argon2id$…`, `$scrypt$…`, or `$7$…` as mosquitto_passwd writes it),
 * and `$scram-sha-256$…`. `recado passwd` writes such lines.
 */
export function parsePasswordFile(text: string): Result<PasswordFile, readonly LineFault[]> {
  const passwords = new Map<string, PasswordHash>();
  const scram = new Map<string, ScramCredentials>();
  const lines = new Map<string, number>();
  const faults: LineFault[] = [];
  for (const [index, written] of text.split('\n').entries()) {
    const line = index + 1;
    const user = readUserLine(written);
    if (user === undefined) continue;
    const key = `${user.kind}:${user.userName}`;
    const earlier = lines.get(key);
    lines.set(key, earlier ?? line);
    const message =
      earlier === undefined
        ? takeUser(user, { passwords, scram })
        : `${JSON.stringify(user.userName)} stands in line ${earlier} too; take one of them away`;
    if (message !== undefined) faults.push({ line, message });
    if (faults.length === MAX_TOLD_FAULTS) break;
  }
  return faults.length === 0 ? succeed({ passwords, scram }) : fail(faults);
}

/** Takes a line apart, without a look at what is in it. The user name is empty when there is no colon. */
export function readUserLine(written: string): UserLine | undefined {
  const line = written.trimEnd();
  if (line === '' || line.startsWith('#')) return undefined;
  const colon = line.indexOf(':');
  const secret = line.slice(colon + 1);
  const kind = secret.startsWith(SCRAM_PREFIX) ? 'scram' : 'password';
  return { userName: line.slice(0, Math.max(0, colon)), secret, kind };
}

/** Why a user name cannot stand in a password file; undefined when it can. */
export function findUserNameFault(userName: string): string | undefined {
  if (userName === '') return 'a user name must not be empty';
  if (userName.includes(':')) return 'a user name must not have a colon, which ends it in the file';
  if (userName.startsWith('#')) return 'a user name must not begin with #, which begins a comment';
  if (userName.trim() !== userName) return 'a user name must not begin or end with a space';
  if (/\p{Cc}/u.test(userName)) return 'a user name must not have control characters';
  return userName.isWellFormed() ? undefined : 'a user name must be valid Unicode';
}

type Users = { readonly passwords: Map<string, PasswordHash>; readonly scram: Map<string, ScramCredentials> };

/** @returns what is wrong, and what to do */
function takeUser({ userName, secret, kind }: UserLine, users: Users): string | undefined {
  if (userName === '') return 'must be "user:hash"; write it with "recado passwd FILE USER"';
  const nameFault = findUserNameFault(userName);
  if (nameFault !== undefined) return nameFault;
  const name = JSON.stringify(userName);
  const anew = 'write the line anew with "recado passwd FILE USER"';
  if (kind === 'password') {
    const parsed = parsePasswordHash(secret);
    if (!parsed.ok) return `${name} ${parsed.failure}; ${anew}`;
    users.passwords.set(userName, parsed.value);
    return undefined;
  }
  const prepared = saslPrep(userName);
  if (prepared !== userName) return `${name} cannot come with SCRAM; ${describePrepared(prepared)}`;
  const parsed = parseScramCredentials(secret);
  if (!parsed.ok) return `${name} ${parsed.failure}; ${anew}`;
  users.scram.set(userName, parsed.value);
  return undefined;
}

/** What to do about a name that SCRAM compares in another form (RFC 4013). */
export function describePrepared(prepared: string | undefined): string {
  return prepared === undefined
    ? 'take the characters away that are prohibited in user names (RFC 4013)'
    : `write the name as ${JSON.stringify(prepared)}`;
}
