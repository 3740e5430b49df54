import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildProgram } from '../../test/helpers/child-program.ts';
import { SERVER_CORE } from '../load-tools.ts';

/** A broker that listens on 127.0.0.1, on the servers' core. */
export type BrokerServer = {
  readonly program: ChildProgram;
  readonly port: number;
  /** Where it listens for TLS, when it was asked to. */
  readonly tlsPort?: number;
  readonly webSocket?: { readonly port: number; readonly path: string };
  readonly stop: () => Promise<void>;
};

/** What a broker of the benchmarks may be asked for beside plain MQTT. */
export type BrokerNeeds = { readonly withTls?: boolean; readonly withWebSocket?: boolean };

/** A program that is not installed here: what is held against it is not measured. */
export class NotInstalledError extends Error {
  override readonly name = 'NotInstalledError';
}

const START_TIMEOUT_MS = 15_000;
const POLL_MS = 20;

/**
 * Where a program is: the file that the environment variable names, or on PATH and where Debian puts what only root
 * may look for.
 *
 * @throws {NotInstalledError} when it is nowhere
 */
export function findProgram(name: string, variable: string): string {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return named;
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => path.join(folder, name)).find(isExecutable);
  if (found === undefined) throw new NotInstalledError(`no ${name} on PATH`);
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A folder for the files of one program, and how it goes away. */
export async function makeFolder(
  name: string,
): Promise<{ folder: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), `recado-bench-${name}-`));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Starts a program that takes its settings from a file, by default on the servers' core, and waits until it listens. */
export async function startWithFile(
  name: string,
  {
    settings,
    words,
    port,
    core = SERVER_CORE,
  }: {
    readonly settings: (folder: string) => readonly string[];
    readonly words: (file: string) => readonly string[];
    readonly port: number;
    readonly core?: readonly string[];
  },
): Promise<{ program: ChildProgram; readonly stop: () => Promise<void> }> {
  const { folder, remove } = await makeFolder(name);
  const file = path.join(folder, `${name}.conf`);
  await writeFile(file, `${settings(folder).join('\n')}\n`);
  const program = new ChildProgram([...core, ...words(file)], { name });
  const stop = async (): Promise<void> => {
    await program.stop();
    await remove();
  };
  try {
    await waitForListener(program, port); // it holds back what it prints into a pipe, so no line can tell
    return { program, stop };
  } catch {
    await stop();
    throw new Error(`it did not start: ${lastWords(program)}`);
  }
}

/** Resolves when somebody listens at `port`. */
async function waitForListener(program: ChildProgram, port: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!program.hasExited && Date.now() < deadline) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await sleep(POLL_MS);
  }
  throw new Error(`nobody listens on port ${port}`);
}

/** What it printed that says most: an error's message, or else the last line. */
function lastWords(program: ChildProgram): string {
  const lines = [...program.lines, ...program.errorText.split('\n')].filter((line) => line.trim() !== '');
  return lines.find((line) => /error\b/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
