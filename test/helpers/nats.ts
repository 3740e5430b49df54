import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canConnect, findFreePort, ADMIN_PATH } from './mosquitto.ts';
import { until } from './until.ts';

/** Why tests with NATS cannot run here; false when they can. Meant for `skip`. */
export function whyNoNats(): string | false {
  const isThere =
    spawnSync('sh', ['-c', 'command -v nats-server'], { env: { PATH: ADMIN_PATH } }).status === 0;
  return !isThere && 'nats-server not installed (Debian package nats-server)';
}

/** A nats-server of its own that speaks MQTT 3.1.1, on a port of its own, and can go and come back. */
export class Nats {
  readonly #folder = mkdtempSync(join(tmpdir(), 'recado-nats-'));
  #port = 0;
  #child: ChildProcess | undefined;
  #log = '';

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  /** Starts it, on the same port as before if it has run before, and waits until it listens. */
  async start(): Promise<this> {
    if (this.#port === 0) this.#port = await findFreePort();
    const file = join(this.#folder, 'nats.conf');
    // Sessions of MQTT are kept by JetStream; what was not acknowledged comes again after `ack_wait`.
    writeFileSync(
      file,
      `server_name: test\nlisten: "127.0.0.1:-1"\njetstream { store_dir: "${this.#folder}/js" }\n` +
        `mqtt { listen: "127.0.0.1:${this.#port}", ack_wait: "1s" }\n`,
    );
    const child = spawn('nats-server', ['-c', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: ADMIN_PATH },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    await until('nats-server listens', () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended: ${this.#log}`);
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
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
