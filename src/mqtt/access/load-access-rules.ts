import { fail, succeed, type Result } from '../../base/result.ts';
import { parseAclFile, type AclRules } from './acl-file.ts';
import { formatFault, MAX_TOLD_FAULTS, type LineFault } from './file-fault.ts';
import { parsePasswordFile, type PasswordFile } from './password-file.ts';
import { readAccessFile, warnOfOpenness } from './read-access-file.ts';

export type AccessFiles = {
  readonly passwordFile: string | undefined;
  readonly aclFile: string | undefined;
  /** Whether a client can be who it says only by proof; rules for users are refused otherwise. */
  readonly areNamesProven: boolean;
};

/** Both files, as they were at one moment. */
export type AccessRules = {
  readonly users: PasswordFile | undefined;
  readonly acl: AclRules | undefined;
};

/** `signatures` is what `findSignatures` says of the files that were read, also when they are not good. */
type AccessRulesReading = {
  readonly signatures: string;
  /** Or each fault with its file and line: `acl.txt:3: …`. At least one. */
  readonly result: Result<LoadedRules, readonly string[]>;
};

type LoadedRules = {
  readonly rules: AccessRules;
  /** What is risky about the files, for people. */
  readonly warnings: readonly string[];
};

/** Users with old hashes that are told by name. */
const MAX_TOLD_USERS = 5;

/** The files that are there, in the order of their signatures. */
export function listAccessFiles({ passwordFile, aclFile }: AccessFiles): string[] {
  return [passwordFile, aclFile].filter((file) => file !== undefined);
}

/** Reads both files: good together, or not at all. */
export async function loadAccessRules(files: AccessFiles): Promise<AccessRulesReading> {
  const { passwordFile, aclFile } = files;
  const [passwords, acl] = await Promise.all([
    readParsed(passwordFile, 'the hashes', parsePasswordFile),
    readParsed(aclFile, undefined, parseAclFile),
  ]);
  const signatures = [passwords, acl].flatMap((each) => each?.signature ?? []).join(' ');
  const faults = [...(passwords?.faults ?? []), ...(acl?.faults ?? [])].slice(0, MAX_TOLD_FAULTS);
  const rules = {
    users: passwords?.parsed?.ok === true ? passwords.parsed.value : undefined,
    acl: acl?.parsed?.ok === true ? acl.parsed.value : undefined,
  };
  const { firstUserLine = 0 } = rules.acl ?? {};
  if (aclFile !== undefined && firstUserLine > 0 && !files.areNamesProven) {
    const message = 'rules for users need a password file: without one, everybody can say to be anybody';
    faults.push(formatFault(aclFile, { line: firstUserLine, message }));
  }
  if (faults.length > 0) return { signatures, result: fail(faults) };
  const warnings = [...(passwords?.warnings ?? []), ...(acl?.warnings ?? [])];
  if (passwordFile !== undefined && rules.users !== undefined)
    warnings.push(...warnOfOldHashes(passwordFile, rules.users));
  return { signatures, result: succeed({ rules, warnings }) };
}

function warnOfOldHashes(file: string, { passwords }: PasswordFile): string[] {
  const users = [...passwords].filter(([, { method }]) => method.kind === 'sha512').map(([name]) => name);
  if (users.length === 0) return [];
  const others = users.length > MAX_TOLD_USERS ? ` and ${users.length - MAX_TOLD_USERS} more` : '';
  const names = users.slice(0, MAX_TOLD_USERS).join(', ') + others;
  const remedy = 'say "recado passwd FILE USER" for each';
  return [`${file} has hashes of Mosquitto 1 ($6$), which are quick to guess, for ${names}; ${remedy}`];
}

type Parsed<T> = Result<T, readonly LineFault[]>;

type ParsedFile<T> = {
  readonly parsed: Parsed<T> | undefined;
  readonly faults: readonly string[];
  readonly signature: string;
  readonly warnings: readonly string[];
};

async function readParsed<T>(
  file: string | undefined,
  secret: string | undefined,
  parse: (text: string) => Parsed<T>,
): Promise<ParsedFile<T> | undefined> {
  if (file === undefined) return undefined;
  const reading = await readAccessFile(file);
  const { signature, result } = reading;
  if (!result.ok)
    return { parsed: undefined, faults: [`${file}: ${result.failure}`], signature, warnings: [] };
  const parsed = parse(result.value.text);
  const faults = parsed.ok ? [] : parsed.failure.map((fault) => formatFault(file, fault));
  return { parsed, faults, signature, warnings: warnOfOpenness(file, reading, secret) };
}
