import { Command } from 'commander';
import type { UserResource } from '../../api/account-schemas.ts';
import {
  accountCommand,
  describeRights,
  readRights,
  rightsCommand,
  type FolderFlags,
  type RightsFlags,
} from '../accounts/account-flags.ts';
import { askAccounts } from '../accounts/ask-accounts.ts';
import { askNewPassword } from '../ask-password.ts';
import { printLine, refuseEmptyNames } from '../devices/hub-flags.ts';
import { printTable } from '../devices/table.ts';
import { tell } from '../tell.ts';

const HELP = `
Asks the hub that runs here, by a socket in its data folder; where none runs, it opens the folder itself.
The password is asked for, without showing it; where the input is no terminal, it is its first line.

Examples:
  recado user add ann --role admin
  recado user add bob --role operator --scope 'device:pump-*' --scope 'read tag:hall'
  printf '%s\\n' "$PASSWORD" | recado user passwd ann
  recado user remove bob`;

/** `recado user`: people who may sign in. */
export function userCommand(): Command {
  return new Command('user')
    .description('people who may sign in: list, add, change, passwd, remove')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', HELP)
    .addCommand(accountCommand('list', 'list the users').action(listUsers))
    .addCommand(rightsCommand('add', 'add a user').argument('<name>', 'user name').action(addUser))
    .addCommand(
      rightsCommand('change', 'change what a user may').argument('<name>', 'user name').action(changeUser),
    )
    .addCommand(
      accountCommand('passwd', 'set a password').argument('<name>', 'user name').action(setPassword),
    )
    .addCommand(accountCommand('remove', 'remove a user').argument('<name>', 'user name').action(removeUser));
}

async function listUsers(flags: FolderFlags): Promise<void> {
  const answer = (await askAccounts(flags, { method: 'GET', path: '/users' })) as
    | { users: UserResource[] }
    | undefined;
  if (flags.json === true) for (const user of answer?.users ?? []) printLine(JSON.stringify(user));
  else printTable(['USER', 'MAY', 'SINCE'], (answer?.users ?? []).map(rowOf));
}

function rowOf({ name, roles, scopes, createdAt }: UserResource): string[] {
  return [name, describeRights(roles, scopes), createdAt];
}

async function addUser(name: string, flags: RightsFlags, command: Command): Promise<void> {
  refuseEmptyNames([name], command);
  const { roles = ['viewer'], scopes = [] } = readRights(flags);
  const password = await readPassword(name);
  if (password === undefined) return;
  const body = { name, password, roles, scopes };
  await printUser(flags, await askAccounts(flags, { method: 'POST', path: '/users', body }), 'is a user now');
}

async function changeUser(name: string, flags: RightsFlags, command: Command): Promise<void> {
  refuseEmptyNames([name], command);
  const { roles, scopes = [] } = readRights(flags);
  if (roles === undefined) command.error('error: --role is needed: roles and scopes are set together');
  const body = { roles, scopes };
  await printUser(
    flags,
    await askAccounts(flags, { method: 'PATCH', path: pathOf(name), body }),
    'was changed',
  );
}

async function setPassword(name: string, flags: FolderFlags, command: Command): Promise<void> {
  refuseEmptyNames([name], command);
  const password = await readPassword(name);
  if (password === undefined) return;
  const answer = await askAccounts(flags, { method: 'PATCH', path: pathOf(name), body: { password } });
  await printUser(flags, answer, 'has a new password, and has to sign in anew');
}

async function removeUser(name: string, flags: FolderFlags, command: Command): Promise<void> {
  refuseEmptyNames([name], command);
  const answer = await askAccounts(flags, { method: 'DELETE', path: pathOf(name) });
  if (answer !== undefined) printLine(`${name} is no user any more.`);
}

async function readPassword(name: string): Promise<string | undefined> {
  const asked = await askNewPassword(name);
  if (asked.ok) return asked.value;
  tell(asked.failure);
  process.exitCode = 1;
  return undefined;
}

async function printUser({ json }: FolderFlags, answer: unknown, what: string): Promise<void> {
  if (answer === undefined) return;
  const { name, roles, scopes } = answer as UserResource;
  printLine(json === true ? JSON.stringify(answer) : `${name} ${what} (${describeRights(roles, scopes)}).`);
}

function pathOf(name: string): string {
  return `/users/${encodeURIComponent(name)}`;
}
