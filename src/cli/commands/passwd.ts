import { Command } from 'commander';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { writeFaultOf } from '../../base/file-fault.ts';
import { fail, succeed, type Result } from '../../base/result.ts';

type PasswdFlags = { readonly scram?: true; readonly delete?: true };

/** Of a password; a password in MQTT has no more bytes (MQTT 5.0 section 1.5.6). */
const MAX_PASSWORD_BYTES = 65_535;

/** More say no more: it is not a password file. */
const MAX_SHOWN_FAULTS = 3;

const HELP = `
Asks twice for the password, without showing it; reads one line when the input is no terminal.
The file is made when it does not exist, for its owner alone. A hub that watches it takes it up at once.
Files of mosquitto_passwd can be changed too; mosquitto 2.0 does not read the lines that this writes.

Examples:
  recado passwd users.txt ann                      a new user, or a new password
  recado passwd users.txt sensor-7 --scram         may come with SCRAM-SHA-256 as well
  printf '%s\\n' "$SECRET" | recado passwd users.txt ann
  recado passwd users.txt ann --delete`;

/** `recado passwd FILE USER`: sets a user's password in a password file, or takes the user out. */
export function passwdCommand(): Command {
  return new Command('passwd')
    .description("set a user's password in a password file")
    .argument('<file>', 'password file')
    .argument('<user>', 'user name')
    .option('--scram', 'let the user come with SCRAM-SHA-256 too, which keeps the password off the wire')
    .option('--delete', 'take the user out of the file')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', HELP)
    .action(runPasswd);
}

async function runPasswd(file: string, user: string, flags: PasswdFlags, command: Command): Promise<void> {
  const { findUserNameFault } = await import('../../mqtt/access/password-file.ts');
  const nameFault = findUserNameFault(user);
  if (nameFault !== undefined) command.error(`error: ${nameFault}`);
  if (flags.delete === true && flags.scram === true)
    command.error('error: --delete and --scram exclude each other');
  try {
    const faults =
      flags.delete === true ? await removeUser(file, user) : await setPassword(file, user, flags);
    if (faults.length > 0) tellFaults(faults);
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    tellFaults([`${file} cannot be written: ${writeFaultOf(error)}`]);
  }
}

function tellFaults(lines: readonly string[]): void {
  const more = lines.length - MAX_SHOWN_FAULTS;
  const shown = more > 0 ? [...lines.slice(0, MAX_SHOWN_FAULTS), `… and ${more} more`] : lines;
  process.stderr.write(shown.map((line) => `recado: ${line}\n`).join(''));
  process.exitCode = 1;
}

/** @returns what went wrong; nothing was changed then */
async function removeUser(file: string, user: string): Promise<readonly string[]> {
  const { editPasswordFile, findUserSecrets, setUserSecrets } =
    await import('../../mqtt/access/edit-password-file.ts');
  let isThere = false;
  const edit = await editPasswordFile(file, (text) => {
    isThere = findUserSecrets(text, user).length > 0;
    return isThere ? setUserSecrets(text, user, []) : undefined;
  });
  if (!edit.ok) return edit.failure;
  if (!isThere) return [`${file} has no user ${JSON.stringify(user)}`];
  process.stdout.write(`${user} is no longer in ${file}.\n`);
  return [];
}

/** @returns what went wrong; nothing was changed then */
async function setPassword(file: string, user: string, flags: PasswdFlags): Promise<readonly string[]> {
  const [
    { editPasswordFile, findUserSecrets, setUserSecrets },
    { hashPassword },
    scram,
    { saslPrep },
    names,
  ] = await Promise.all([
    import('../../mqtt/access/edit-password-file.ts'),
    import('../../mqtt/access/password-hash.ts'),
    import('../../mqtt/access/scram-credentials.ts'),
    import('../../mqtt/access/sasl-prep.ts'),
    import('../../mqtt/access/password-file.ts'),
  ]);
  const prepared = saslPrep(user);
  if (flags.scram === true && prepared !== user)
    return [`${JSON.stringify(user)} cannot come with SCRAM; ${names.describePrepared(prepared)}`];
  const asked = process.stdin.isTTY ? await askTwice(user) : await readLine();
  if (!asked.ok) return [asked.failure];
  const password = asked.value;
  const hash = await hashPassword(Buffer.from(password));
  const credentials = prepared === user ? await scram.createScramCredentials(password) : undefined;
  if (flags.scram === true && credentials === undefined)
    return ['the password has characters that SCRAM prohibits (RFC 4013); choose another one'];
  let kinds = '';
  let isScramLost = false;
  const edit = await editPasswordFile(file, (text) => {
    // Who could come with SCRAM still can, but not with the old password.
    const hadScram = findUserSecrets(text, user).some((secret) => secret.startsWith(scram.SCRAM_PREFIX));
    const withScram = (flags.scram === true || hadScram) && credentials !== undefined;
    isScramLost = hadScram && !withScram;
    kinds = withScram ? 'with a password, and with SCRAM-SHA-256' : 'with a password';
    return setUserSecrets(text, user, withScram ? [hash, credentials.text] : [hash]);
  });
  if (!edit.ok) return edit.failure;
  process.stdout.write(`${user} can come ${kinds} (${file}).\n`);
  if (isScramLost)
    process.stderr.write('recado: no longer with SCRAM-SHA-256, which prohibits this password\n');
  return [];
}

async function askTwice(user: string): Promise<Result<string, string>> {
  const nothingShown = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: nothingShown,
    terminal: true,
    historySize: 0,
  });
  lines.once('SIGINT', () => lines.close());
  // The iterator keeps lines that come before they are asked for.
  const iterator = lines[Symbol.asyncIterator]();
  const ask = async (question: string): Promise<string | undefined> => {
    process.stderr.write(question);
    const { done, value } = await iterator.next();
    process.stderr.write('\n');
    return done === true ? undefined : value;
  };
  try {
    const password = await ask(`New password of ${user}: `);
    if (password === undefined) return fail('given up, nothing was changed');
    const fault = findPasswordFault(password);
    if (fault !== undefined) return fail(fault);
    const again = await ask('Once more: ');
    if (again === undefined) return fail('given up, nothing was changed');
    return again === password
      ? succeed(password)
      : fail('these were two different passwords, nothing was changed');
  } finally {
    lines.close();
  }
}

async function readLine(): Promise<Result<string, string>> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.includes('\n') || text.length > MAX_PASSWORD_BYTES) break;
  }
  const [line = ''] = text.split('\n');
  const password = line.replace(/\r$/, '');
  const message = findPasswordFault(password);
  return message === undefined ? succeed(password) : fail(message);
}

function findPasswordFault(password: string): string | undefined {
  if (password === '') return 'the password is empty, nothing was changed';
  const isTooLong = Buffer.byteLength(password) > MAX_PASSWORD_BYTES;
  return isTooLong
    ? `the password is longer than ${MAX_PASSWORD_BYTES} bytes, nothing was changed`
    : undefined;
}
