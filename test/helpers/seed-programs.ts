import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ChildProgram } from './child-program.ts';
import type { HubPorts } from './hub-process.ts';

const FOLDER = path.join(import.meta.dirname, '..', 'seed');

/** For the `skip` option of a test: false where Python can run, else why it was skipped. */
export const skipWithoutPython: false | string =
  spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not installed (Debian: python3)';

/** One of the Python programs of `test/seed`, written the way that the first seed's own are. */
export function startSeedProgram(
  name: 'sensor' | 'radio' | 'broker' | 'application',
  args: readonly string[],
): ChildProgram {
  return new ChildProgram(['python3', path.join(FOLDER, `${name}.py`), ...args], { name: `${name}.py` });
}

/** Starts a sensor or radio of the seed at `address`, connected; its id is the value of its line `id …`. */
export async function connectSeedDevice(
  name: 'sensor' | 'radio',
  ports: HubPorts,
  { address, args = [] }: { address: string; args?: readonly string[] },
): Promise<{ program: ChildProgram; id: string }> {
  const server = ['--tcp-port', String(ports.tcp), '--udp-port', String(ports.udp)];
  const program = startSeedProgram(name, [...server, '--bind', address, '--connect', ...args]);
  try {
    const line = await program.waitForLine(/^id /);
    await program.waitForLine('connected');
    return { program, id: line.slice(3) };
  } catch (error) {
    await program.stop();
    throw error;
  }
}

/** What a call of the seed's management application came to. */
export type ApplicationAnswer = {
  /** The HTTP calls that it made, as `GET /devices`. */
  readonly requests: readonly string[];
  readonly status?: number;
  readonly answer?: unknown;
  readonly error?: string;
};

/** The seed's management application: one process, one call after the other. */
export class SeedApplication {
  readonly program: ChildProgram;
  #asked = 0;

  constructor(httpPort: number) {
    this.program = startSeedProgram('application', ['--port', String(httpPort)]);
  }

  /** Makes one call, such as `send DE12 3 Aquarela`. Calls must not overlap. */
  async ask(call: string): Promise<ApplicationAnswer> {
    const after = this.#asked++;
    this.program.say(call);
    const line = await this.program.waitForLine(/^\{/, { after });
    return JSON.parse(line) as ApplicationAnswer;
  }

  /** Makes one call and returns its answer; fails when the application found an error instead. */
  async answer(call: string): Promise<unknown> {
    const result = await this.ask(call);
    if (result.error !== undefined) throw new Error(`${call}: ${result.error}`);
    return result.answer;
  }

  stop(): Promise<void> {
    return this.program.stop();
  }
}
