import { Command } from 'commander';
import { detectLanguage, LANGUAGES, parseLanguage } from '../../terminal/language.ts';
import { DEFAULT_HUB_URL } from '../../terminal/manage/hub-url.ts';
import { authorityOption, clientOf, readHubUrl, tokenOption, type HubLogin } from '../devices/hub-flags.ts';

type ManageFlags = HubLogin & { readonly plain?: true; readonly lang?: string };

const HELP = `
Without an address it connects to http://127.0.0.1:5070 when a hub answers there, and else asks.

Arrow keys or numbers choose, Enter opens, Esc goes back, ? explains, q quits.
Plain lines are chosen by themselves when the input or the output is no terminal.

Environment:
  RECADO_URL     the address of the hub, when none is given
  RECADO_TOKEN   the token; unlike --token it does not show in the list of processes
  NO_COLOR       when set, no colours

Examples:
  recado manage                                the hub on this machine; asks when there is none
  recado manage 192.168.0.20                   a hub on the network, at its default port
  recado manage https://hub.example --lang pt-BR
  printf '1\\n' | recado manage 127.0.0.1       the first device, in plain lines`;

/** `recado manage [url]`: the devices of a hub, in the terminal. */
export function manageCommand(): Command {
  return new Command('manage')
    .description('see the devices of a hub and command them')
    .argument('[url]', 'address of the hub: host, host:port or a URL')
    .option('--plain', 'plain lines and numbered menus: for screen readers and pipes')
    .addOption(tokenOption())
    .addOption(authorityOption())
    .option('--lang <language>', `language of the screens: ${LANGUAGES.join(' or ')} (default: as LANG says)`)
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', HELP)
    .action(manage);
}

async function manage(given: string | undefined, flags: ManageFlags, command: Command): Promise<void> {
  const url = readHubUrl(given, command);
  const language = flags.lang === undefined ? detectLanguage(process.env) : parseLanguage(flags.lang);
  if (language === undefined)
    command.error(`error: --lang is "${flags.lang}"; there are ${LANGUAGES.join(' and ')}`);
  clientOf(url ?? DEFAULT_HUB_URL, flags, command);

  const { runManage } = await import('../../terminal/manage/run-manage.ts');
  const wentWell = await runManage({
    url,
    token: flags.token,
    language,
    isPlain: flags.plain === true,
    stdin: process.stdin,
    stdout: process.stdout,
  });
  if (!wentWell) process.exitCode = 1;
}
