import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { plainEnvironment } from './run-program.ts';

/** How a program ended, and the bytes that it printed. */
export type End = { readonly end: number | NodeJS.Signals; readonly output: Buffer; readonly errors: string };

/** Runs a program with this input to its end; it is killed after 30 s. */
export async function runWithInput(words: readonly string[], input: Uint8Array | string = ''): Promise<End> {
  const [command = '', ...args] = words;
  const child = spawn(command, args, { env: plainEnvironment(), timeout: 30_000 });
  const output: Buffer[] = [];
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.on('error', () => {}); // It ended before it read all.
  child.stdin.end(input);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals];
  return { end: code ?? signal, output: Buffer.concat(output), errors };
}
