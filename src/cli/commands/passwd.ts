import { Command } from 'commander';
import { askNewPassword } from '../ask-password.ts';
import { writeFaultOf } from '../../base/file-fault.ts';
import { printLine } from '../devices/hub-flags.ts';
import { tell } from '../tell.ts';

type PasswdFlags = { readonly scram?: true; readonly delete?: true };

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
  for (const line of shown) tell(line);
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
  printLine(`${user} is no longer in ${file}.`);
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
  const asked = await askNewPassword(user);
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
  printLine(`${user} can come ${kinds} (${file}).`);
  if (isScramLost) tell('no longer with SCRAM-SHA-256, which prohibits this password');
  return [];
}
