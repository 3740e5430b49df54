import { Command, Option } from 'commander';
import { escapeControls, escapeLine } from '../../base/printable-text.ts';
import { createClient, type Client } from '../../client/index.ts';
import { DEFAULT_HUB_URL, parseHubUrl } from '../../terminal/manage/hub-url.ts';
import { readFlagFile } from '../mqtt/tls-flags.ts';
import { withoutPasswords } from '../without-passwords.ts';

/** What the commands for devices have in common, as the command line gives it. */
export type HubFlags = HubLogin & { readonly url?: string; readonly json?: true };

/** As whom a command comes to a hub, and which hub it takes for the right one. */
export type HubLogin = { readonly token?: string; readonly cafile?: string };

const ENVIRONMENT = `
Environment:
  RECADO_URL     the address of the hub, when --url gives none
  RECADO_TOKEN   the token; unlike --token it does not show in the list of processes`;

/** A command that asks a hub; `help` follows its own text. */
export function hubQuestion(name: string, description: string, help: string): Command {
  return new Command(name)
    .description(description)
    .option('--url <url>', `address of the hub: host, host:port or a URL (default: ${DEFAULT_HUB_URL})`)
    .addOption(tokenOption())
    .addOption(authorityOption())
    .option('--json', 'JSON, a value on each line; failures too, on standard error')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', `${ENVIRONMENT}\n${help}`);
}

/** `--token`, for every command that talks to a hub. */
export function tokenOption(): Option {
  return new Option('--token <token>', 'what the hub asks for as Bearer token').env('RECADO_TOKEN');
}

/** `--cafile`, for every command that talks to a hub. */
export function authorityOption(): Option {
  return new Option('--cafile <file>', 'of an https hub: trust these certificates (PEM)');
}

/** `--names`, of a list: one form of it at a time. */
export function namesOption(text: string): Option {
  return new Option('--names', text).conflicts('json');
}

/** The hub that the flags name. Ends through `command.error` when they cannot. */
export function openHub({ url, ...login }: HubFlags, command: Command): Client {
  return clientOf(readHubUrl(url, command) ?? DEFAULT_HUB_URL, login, command);
}

/** An address of a hub, of `RECADO_URL` where none is given. Ends through `command.error` when it is none. */
export function readHubUrl(given: string | undefined, command: Command): string | undefined {
  const written = given ?? process.env['RECADO_URL'] ?? '';
  if (written === '') return undefined;
  const address = parseHubUrl(written);
  if (address.ok) return address.value;
  const shown = withoutPasswords(written);
  return command.error(`error: "${shown}" is no address of a hub; write host, host:port or a URL`);
}

/** Ends through `command.error` when an id names nothing: it would lead a request elsewhere. */
export function refuseEmptyNames(names: readonly string[], command: Command): void {
  const wrong = names.find((name) => /^\.{0,2}$/.test(name));
  if (wrong !== undefined) command.error(`error: "${wrong}" names nothing`);
}

/** Ends through `command.error` when the token cannot be sent, or the file has no certificate. */
export function clientOf(url: string, { token, cafile }: HubLogin, command: Command): Client {
  if (cafile !== undefined) trustOnly(cafile, command);
  try {
    return createClient({ url, token });
  } catch (error) {
    if (error instanceof TypeError) command.error(`error: ${error.message}`);
    throw error;
  }
}

/** For all connections of this process: `fetch` cannot be told for one. */
function trustOnly(file: string, command: Command): void {
  const certificates = readFlagFile('--cafile', file, command);
  try {
    process.getBuiltinModule('node:tls').setDefaultCACertificates([certificates.toString()]);
  } catch {
    command.error(`error: --cafile: there is no certificate (PEM) in ${file}`);
  }
}

/** Prints a line, whatever is in it. */
export function printLine(text: string): void {
  process.stdout.write(`${escapeLine(text)}\n`);
}

/** Prints what a device answered, as it is; on a terminal nothing in it is obeyed, or looks like a line of ours. */
export function printText(text: string): void {
  const shown = process.stdout.isTTY ? `  ${escapeControls(text).replaceAll('\n', '\n  ')}` : text;
  process.stdout.write(`${shown}\n`);
}
