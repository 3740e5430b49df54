import { spawn } from 'node:child_process';
import { HANG_MS } from './until.ts';

/** How a program ended, and what it printed. */
export type ProgramEnd = {
  /** Its exit code, or the signal that ended it. */
  readonly end: number | NodeJS.Signals;
  readonly output: string;
  readonly errors: string;
};

type Options = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
};

/** The environment of this process without what would configure Recado. */
export function plainEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('RECADO_'));
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Runs a program to its end, with no input. It is killed when it takes longer than `timeoutMs`: it hangs. */
export function runProgram(words: readonly string[], options: Options = {}): Promise<ProgramEnd> {
  const [command = '', ...args] = words;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...plainEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? HANG_MS,
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ end: code ?? signal ?? 0, output, errors }));
  });
}
