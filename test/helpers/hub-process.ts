import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ChildProgram } from './child-program.ts';
import { until } from './until.ts';

export type HubPorts = { readonly http: number; readonly tcp: number; readonly udp: number };

export type HubProcess = {
  readonly ports: HubPorts;
  readonly program: ChildProgram;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Ends it politely and removes its folder. */
  stop(): Promise<void>;
};

const ROOT = path.join(import.meta.dirname, '..', '..');
const START_TIMEOUT_MS = 15_000;

/** Ports that are free at this moment, for a program that must be started again on the same ones. */
export async function findFreePorts(): Promise<HubPorts> {
  const servers = [createServer(), createServer()];
  const udp = createSocket('udp4');
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const [http, tcp] = servers.map((server) => (server.address() as AddressInfo).port);
  const ports = { http: http ?? 0, tcp: tcp ?? 0, udp: udp.address().port };
  for (const server of servers) server.close();
  udp.close();
  return ports;
}

/**
 * Starts `recado hub` as a process of its own, in an empty folder, and waits until it answers.
 *
 * @param settings - environment variables of the configuration, such as `RECADO_GATEWAYS_SOCKET_KEEP_ALIVE_MS`
 * @param launcher - words before the command, such as `taskset -c 0`
 */
export async function startHubProcess(
  ports: HubPorts,
  { settings = {}, launcher = [] }: { settings?: Record<string, string>; launcher?: readonly string[] } = {},
): Promise<HubProcess> {
  const folder = await mkdtemp(path.join(tmpdir(), 'recado-hub-'));
  const words = [
    ...launcher,
    process.execPath,
    process.env['HUB_MAIN'] ?? path.join(ROOT, 'src/cli/main.ts'),
    'hub',
  ];
  const program = new ChildProgram(words, {
    name: 'the hub',
    cwd: folder,
    env: {
      RECADO_HTTP_PORT: String(ports.http),
      RECADO_GATEWAYS_SOCKET_TCP_PORT: String(ports.tcp),
      RECADO_GATEWAYS_SOCKET_UDP_PORT: String(ports.udp),
      ...settings,
    },
  });
  const url = `http://127.0.0.1:${ports.http}`;
  const stop = async (): Promise<void> => {
    await program.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const hasAnswered = async (): Promise<boolean> => {
      const answer = await fetch(`${url}/healthz`).catch(() => undefined);
      return program.hasExited || answer?.ok === true;
    };
    await until('the hub answers', hasAnswered, START_TIMEOUT_MS);
    if (program.hasExited) throw new Error('the hub ended while it started');
  } catch (error) {
    await stop();
    throw new Error(`the hub did not start:\n${program.errorText}`, { cause: error });
  }
  return { ports, program, url, stop };
}
