import { Command } from 'commander';
import type { NewTokenResource, TokenResource } from '../../api/account-schemas.ts';
import {
  accountCommand,
  describeRights,
  readRights,
  rightsCommand,
  type FolderFlags,
  type RightsFlags,
} from '../accounts/account-flags.ts';
import { askAccounts } from '../accounts/ask-accounts.ts';
import { printLine, refuseEmptyNames } from '../devices/hub-flags.ts';
import { printTable } from '../devices/table.ts';
import { tell } from '../tell.ts';

type CreateFlags = RightsFlags & { readonly expiresIn?: string };

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

const HELP = `
Asks the hub that runs here, by a socket in its data folder; where none runs, it opens the folder itself.
A token is printed once, when it is made, alone on standard output.

Examples:
  recado token create grafana --role viewer --expires-in 365d
  recado token create pump-7 --role device --scope device:pump-7
  recado token create billing --role agent --scope service:billing
  recado token create lights --role operator --scope 'command topic:house/+/set' --scope 'read topic:house/#'
  recado token list
  recado token revoke 0123456789ab`;

/** `recado token`: what programs, devices and agents come in by. */
export function tokenCommand(): Command {
  return new Command('token')
    .description('tokens of programs, devices and agents: list, create, revoke')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', HELP)
    .addCommand(accountCommand('list', 'list the tokens').action(listTokens))
    .addCommand(
      rightsCommand('create', 'make a token, and print it')
        .argument('<name>', 'what it is for')
        .option('--expires-in <time>', 'how long it is good: 90d, 12h, 30m (default: for ever)')
        .action(createToken),
    )
    .addCommand(
      accountCommand('revoke', 'take a token back')
        .argument('<id>', 'the first column of the list')
        .action(revokeToken),
    );
}

async function listTokens(flags: FolderFlags): Promise<void> {
  const answer = (await askAccounts(flags, { method: 'GET', path: '/tokens' })) as
    | { tokens: TokenResource[] }
    | undefined;
  if (flags.json === true) for (const token of answer?.tokens ?? []) printLine(JSON.stringify(token));
  else printTable(['TOKEN', 'NAME', 'MAY', 'LAST USED', 'EXPIRES'], (answer?.tokens ?? []).map(rowOf));
}

function rowOf({ id, name, roles, scopes, lastUsedAt, expiresAt }: TokenResource): string[] {
  return [id, name, describeRights(roles, scopes), lastUsedAt ?? '-', expiresAt ?? '-'];
}

async function createToken(name: string, flags: CreateFlags, command: Command): Promise<void> {
  refuseEmptyNames([name], command);
  const { roles = ['viewer'], scopes = [] } = readRights(flags);
  const expiresInSeconds = readSeconds(flags.expiresIn, command);
  const body = { name, roles, scopes, ...(expiresInSeconds !== undefined && { expiresInSeconds }) };
  const answer = await askAccounts(flags, { method: 'POST', path: '/tokens', body });
  if (answer === undefined) return;
  const made = answer as NewTokenResource;
  printLine(flags.json === true ? JSON.stringify(made) : made.token);
  if (flags.json !== true)
    tell(
      `${made.id} is a token (${describeRights(made.roles, made.scopes)}); keep it, it is not shown again`,
    );
}

function readSeconds(text: string | undefined, command: Command): number | undefined {
  if (text === undefined) return undefined;
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit] ?? 0);
  if (seconds > 0) return seconds;
  return command.error('error: --expires-in is a number with s, m, h or d: 90d');
}

async function revokeToken(id: string, flags: FolderFlags, command: Command): Promise<void> {
  refuseEmptyNames([id], command);
  const answer = await askAccounts(flags, { method: 'DELETE', path: `/tokens/${encodeURIComponent(id)}` });
  if (answer !== undefined) printLine(`${id} opens nothing any more.`);
}
