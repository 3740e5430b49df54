import type { Command } from 'commander';
import { buildProgram } from '../src/cli/program.ts';

/** recado(1), from the command line itself: the build writes it beside the program. */
export async function manPage(): Promise<string> {
  const program = await buildProgram();
  const parts = [
    `.TH RECADO 1 "" "Recado" "User Commands"`,
    '.SH NAME',
    'recado \\- one small server between applications and things',
    '.SH SYNOPSIS',
    '.B recado',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    `Applications speak HTTP; things speak raw TCP and UDP sockets, MQTT, or HTTP behind a NAT. Recado gives each of them one address: list, describe, command, observe.`,
    '.SH COMMANDS',
    ...program.commands.flatMap((command) => describe(command, ['recado'])),
    ...REST,
  ];
  return `${parts.join('\n')}\n`;
}

function describe(command: Command, above: readonly string[]): readonly string[] {
  const help = command.createHelp();
  const path = [...above, command.name()];
  const args = help
    .visibleArguments(command)
    .map((argument) => [help.argumentTerm(argument), help.argumentDescription(argument)]);
  const options = help
    .visibleOptions(command)
    .map((option) => [help.optionTerm(option), help.optionDescription(option)]);
  return [
    `.SS ${escape([...path, command.usage()].join(' '))}`,
    escape(sentence(command.description())),
    ...[...args, ...options].flatMap(([term = '', says = '']) => ['.TP', `.B ${escape(term)}`, escape(says)]),
    ...help
      .visibleCommands(command)
      .filter((each) => each.name() !== 'help')
      .flatMap((each) => describe(each, path)),
  ];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** What roff would take for a command of its own, or for a typographic dash. */
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}

const REST = [
  '.SH FILES',
  '.TP',
  '.B recado.yaml',
  'The configuration of the hub, where none is named.',
  '.TP',
  '.B ./recado\\-data',
  'What the hub keeps.',
  '.SH ENVIRONMENT',
  '.TP',
  '.B RECADO_URL, RECADO_TOKEN',
  'The hub that manage, devices, call, watch and history ask, and the token they come with.',
  '.TP',
  '.B RECADO_BROKER',
  'The broker that agent, gateway, pub, sub and request connect to.',
  '.PP',
  'Each key of the configuration has a variable too.',
  '.SH EXIT STATUS',
  '0 done, 1 failed, 2 the command line or the configuration is wrong. Commands that have others tell them with',
  '.BR \\-\\-help .',
];

if (import.meta.main) process.stdout.write(await manPage());
