import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreeTcpPort } from './free-ports.ts';
import { until } from './until.ts';

/** Debian puts servers where only the administrator's PATH looks. */
const ADMIN_PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`;

/** Those of the programs that are not installed. */
export function missingPrograms(...names: readonly string[]): readonly string[] {
  return names.filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`], { env: { PATH: ADMIN_PATH } }).status !== 0,
  );
}

/** A broker of others, in a process and a folder of its own, on a port of its own, that can go and come back. */
export abstract class BrokerProgram {
  readonly folder: string;
  readonly #name: string;
  #port = 0;
  #child: ChildProcess | undefined;
  #log = '';

  constructor(name: string) {
    this.#name = name;
    this.folder = mkdtempSync(join(tmpdir(), `recado-${name}-`));
  }

  /** The text of its configuration, for a port. */
  protected abstract configurationOf(port: number): string;

  protected readonly flags: readonly string[] = [];

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  /** What it has written. */
  get log(): string {
    return this.#log;
  }

  /** Starts it, on the same port as before if it has run before, and waits until it listens. */
  async start(): Promise<this> {
    if (this.#port === 0) this.#port = await findFreeTcpPort();
    const name = this.#name;
    const file = join(this.folder, `${name}.conf`);
    writeFileSync(file, this.configurationOf(this.#port));
    const child = spawn(name, ['-c', file, ...this.flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: ADMIN_PATH },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    await until(`${name} listens`, () => {
      if (child.exitCode !== null) throw new Error(`${name} ended: ${this.#log}`);
      return canConnect(this.#port);
    });
    return this;
  }

  /** Ends it at once: its clients lose their connections. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
