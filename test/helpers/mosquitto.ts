import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

/** Debian puts the server where only the administrator's PATH looks. */
export const ADMIN_PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`;

/** Why tests with Mosquitto cannot run here; false when they can. Meant for `skip`. */
export function whyNoMosquitto(): string | false {
  const programs = ['mosquitto', 'mosquitto_pub', 'mosquitto_sub', 'mosquitto_passwd'];
  const missing = programs.filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`], { env: { PATH: ADMIN_PATH } }).status !== 0,
  );
  if (missing.length === 0) return false;
  return `${missing.join(', ')} not installed (Debian packages mosquitto and mosquitto-clients)`;
}

type MosquittoOptions = {
  /** Lines of its configuration; without any it lets everybody do everything. */
  readonly settings?: readonly string[];
  /** More files in its folder, by name: `%FOLDER%` in a setting is that folder. */
  readonly files?: Readonly<Record<string, string>>;
};

/** A Mosquitto of its own, on a port of its own, that can go and come back. */
export class Mosquitto {
  readonly folder = mkdtempSync(join(tmpdir(), 'recado-mosquitto-'));
  readonly #settings: readonly string[];
  #port = 0;
  #child: ChildProcess | undefined;
  #log = '';

  constructor({ settings = ['allow_anonymous true'], files = {} }: MosquittoOptions = {}) {
    this.#settings = settings;
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
  }

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
    if (this.#port === 0) this.#port = await findFreePort();
    const file = join(this.folder, 'mosquitto.conf');
    const lines = [`listener ${this.#port} 127.0.0.1`, 'user root', ...this.#settings];
    writeFileSync(file, `${lines.join('\n').replaceAll('%FOLDER%', this.folder)}\n`);
    const child = spawn('mosquitto', ['-c', file, '-v'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: ADMIN_PATH },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    await until('mosquitto listens', () => {
      if (child.exitCode !== null) throw new Error(`mosquitto ended: ${this.#log}`);
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

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
