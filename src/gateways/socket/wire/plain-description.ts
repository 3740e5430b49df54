import { isJsonObject } from '../../../base/json.ts';
import {
  isCommandName,
  MAX_COMMANDS_PER_DEVICE,
  MAX_TITLE_CHARACTERS,
  type DeviceDescription,
} from '../../../devices/description.ts';
import type { Command, CommandKind } from '../../../devices/command.ts';

/** What a plain device said of its commands, and what the hub makes of it. */
export type PlainDescription = {
  readonly description: DeviceDescription;
  /** Numbers of the commands that are answered from datagrams. */
  readonly datagramCommands: ReadonlySet<number>;
  /** The command that asks for the device's general description. */
  readonly describeNumber: number;
};

const DESCRIBE_COMMAND = 'describe';

const KIND_OF_METHOD: ReadonlyMap<string, CommandKind> = new Map([
  ['GET', 'read'],
  ['POST', 'action'],
  ['PATCH', 'write'],
  ['PUT', 'write'],
]);

/**
 * Reads `{'1': {'Descrição', 'Entrada', 'Método HTTP', 'Coleta de dados UDP'}, …}`.
 *
 * @returns undefined when it is no such dictionary
 */
export function readPlainDescription(value: unknown): PlainDescription | undefined {
  if (!isJsonObject(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length > MAX_COMMANDS_PER_DEVICE) return undefined;
  const commands: Command[] = [];
  const datagramCommands = new Set<number>();
  const names = new Set<string>([DESCRIBE_COMMAND]);
  for (const [key, item] of entries) {
    if (!/^[1-9]\d{0,5}$/.test(key) || !isJsonObject(item)) return undefined;
    const number = Number(key);
    commands.push(readPlainCommand(number, item, names));
    if (item['Coleta de dados UDP'] === true) datagramCommands.add(number);
  }
  // The general description is the number after the described ones; where a device uses that one itself, it has none.
  const describeNumber = entries.length + 1;
  if (!commands.some((command) => command.number === describeNumber))
    commands.push(describeCommand(describeNumber));
  commands.sort((one, other) => one.number - other.number);
  return { description: { commands, telemetry: [], numbered: value }, datagramCommands, describeNumber };
}

function describeCommand(number: number): Command {
  return {
    name: DESCRIBE_COMMAND,
    number,
    title: 'Descrição geral',
    kind: 'read',
    idempotent: true,
    concurrency: 'parallel',
  };
}

function readPlainCommand(
  number: number,
  item: Readonly<Record<string, unknown>>,
  names: Set<string>,
): Command {
  const title = text(item['Descrição']) || `Comando ${number}`;
  const inputTitle = text(item['Entrada']);
  const kind = KIND_OF_METHOD.get(text(item['Método HTTP']).toUpperCase()) ?? 'action';
  return {
    name: uniqueName(title, number, names),
    number,
    title,
    kind,
    ...(inputTitle !== '' && { input: { type: 'string', title: inputTitle } }),
    idempotent: kind === 'read',
    concurrency: 'parallel',
  };
}

/** `Setar música` → `setar-musica`; a number is added where two titles are the same. */
function uniqueName(title: string, number: number, names: Set<string>): string {
  const slug = title
    .normalize('NFD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 48);
  const base = isCommandName(slug) ? slug : `command-${number}`;
  let name = base;
  for (let count = number; names.has(name); count++) name = `${base}-${count}`;
  names.add(name);
  return name;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_TITLE_CHARACTERS) : '';
}
