import { InvalidArgumentError, type Command as Program } from 'commander';
import { parseJson } from '../../base/json.ts';
import type { Client, Command, InvocationAccepted, InvocationResult } from '../../client/index.ts';
import { DEVICE_EXITS, tellFailure } from '../devices/failures.ts';
import {
  hubQuestion,
  namesOption,
  openHub,
  printLine,
  printText,
  refuseEmptyNames,
  type HubFlags,
} from '../devices/hub-flags.ts';
import { shapeOf } from '../devices/input-shape.ts';
import { printTable } from '../devices/table.ts';
import { readAllBytes } from '../mqtt/byte-lines.ts';
import { STOP_SIGNALS, stopSignal, type StopSignal } from '../stop-signal.ts';
import { tell } from '../tell.ts';

type CallFlags = HubFlags & { readonly timeout?: number; readonly queueFor?: number; readonly names?: true };

const MAX_INPUT_BYTES = 16 * 1024 * 1024;
const MAX_TIMEOUT_S = 600;
const MAX_QUEUE_S = 604_800;

const HELP = `
INPUT is JSON; for a command that takes a text it is the text as it stands; - reads it from the standard input.

Examples:
  recado call DE1-2                                what it can be asked to do
  recado call DE1-2 ligar                          ask it, and print the output
  recado call DE1-2 setar-musica 'Garota de Ipanema'
  recado call thermometer-1 setTarget 21.5 --json  the output, and how it came about
  recado call thermometer-1 off --queue-for 3600   where it is offline, when it comes within an hour

Exit codes:
${Object.entries(DEVICE_EXITS)
  .map(([code, meaning]) => `  ${code.padStart(2)}  ${meaning}`)
  .join('\n')}`;

/** `recado call DEVICE COMMAND [INPUT]`: one command of one device, and its output. */
export function callCommand(): Program {
  return hubQuestion('call', 'ask a device to do something, and print its answer', HELP)
    .argument('<device>', 'id of the device')
    .argument('[command]', 'name of the command; without it, what there is')
    .argument('[input]', 'what the command takes')
    .option(
      '--timeout <seconds>',
      'wait so long for the device (default: as the hub is configured)',
      (text) => readSeconds(text, MAX_TIMEOUT_S),
    )
    .option(
      '--queue-for <seconds>',
      'where the device is offline, let the command wait for it so long',
      (text) => readSeconds(text, MAX_QUEUE_S),
    )
    .addOption(namesOption('without a command: only the names, a line each: for completion'))
    .action(call);
}

async function call(
  deviceId: string,
  name: string | undefined,
  input: string | undefined,
  flags: CallFlags,
  program: Program,
): Promise<void> {
  const client = openHub(flags, program);
  refuseEmptyNames([deviceId, name ?? deviceId], program);
  if (name !== undefined && flags.names === true)
    program.error('error: --names lists commands; leave out the name of one');
  const stopping = new AbortController();
  void stopSignal().then((signal) => stopping.abort(signal));
  try {
    const commands = await client.devices.commands(deviceId, stopping);
    if (name === undefined) return printCommands(commands, flags);
    const command = commands.find((each) => each.name === name);
    const value = input === undefined ? undefined : readInput(await textOf(input), command, program);
    printAnswer(await invoke(client, { deviceId, name, value }, flags, stopping.signal), flags);
  } catch (error) {
    if (stopping.signal.aborted) process.exitCode = STOP_SIGNALS[stopping.signal.reason as StopSignal];
    else tellFailure(error, flags);
  }
}

function invoke(
  client: Client,
  { deviceId, name, value }: { readonly deviceId: string; readonly name: string; readonly value: unknown },
  { timeout, queueFor }: CallFlags,
  signal: AbortSignal,
): Promise<InvocationResult | InvocationAccepted> {
  const timeoutMs = timeout === undefined ? undefined : timeout * 1000;
  const call = { input: value, timeoutMs, signal };
  if (queueFor === undefined) return client.devices.invoke(deviceId, name, call);
  return client.devices.start(deviceId, name, { ...call, queueForMs: queueFor * 1000 });
}

function printCommands(commands: readonly Command[], { json, names }: CallFlags): void {
  if (json === true) for (const command of commands) printLine(JSON.stringify(command));
  else if (names === true) for (const { name } of commands) printLine(name);
  else {
    const rows = commands.map(({ name, kind, title, input }) => [name, kind, shapeOf(input), title]);
    printTable(['COMMAND', 'KIND', 'INPUT', 'TITLE'], rows);
  }
}

function printAnswer(answer: InvocationResult | InvocationAccepted, { json }: CallFlags): void {
  if (json === true) return printLine(JSON.stringify(answer));
  if (!('output' in answer)) {
    const { id, deviceId, queuedUntil = '' } = answer.invocation;
    return tell(`${deviceId} is offline; the command waits for it until ${queuedUntil}, as invocation ${id}`);
  }
  const { output } = answer;
  if (output === null) return;
  printText(typeof output === 'string' ? output : JSON.stringify(output));
}

async function textOf(input: string): Promise<string> {
  if (input !== '-') return input;
  const text = Buffer.from(await readAllBytes(process.stdin, MAX_INPUT_BYTES)).toString();
  return text.replace(/\r?\n$/, '');
}

/** The hub says what does not fit; here only what cannot be sent at all is refused. */
function readInput(text: string, command: Command | undefined, program: Program): unknown {
  const { type } = (command?.input ?? {}) as { readonly type?: unknown };
  if (type === 'string') return text;
  const value = parseJson(text);
  if (value !== undefined) return value;
  return program.error(`error: "${text}" is no JSON; write a text as '"${text}"'`);
}

function readSeconds(text: string, most: number): number {
  const seconds = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= most) return seconds;
  throw new InvalidArgumentError(`It must be a number of seconds, ${most} at most.`);
}
