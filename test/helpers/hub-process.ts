import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ChildProgram } from './child-program.ts';
import { findFreeTcpPort, findFreeUdpPort } from './free-ports.ts';
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

const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** The words that run `recado` from the sources. */
export function recadoWords(...args: readonly string[]): string[] {
  return [process.execPath, MAIN, ...args];
}

/** Ports for a hub that may be started again on the same ones. */
export async function findFreePorts(): Promise<HubPorts> {
  const [http, tcp] = [await findFreeTcpPort(), await findFreeTcpPort()];
  return { http, tcp, udp: await findFreeUdpPort() };
}

/**
 * Starts `recado hub` as a process of its own, in an empty folder, and waits until it answers.
 *
 * @param settings - environment variables of the configuration, such as `RECADO_GATEWAYS_SOCKET_KEEP_ALIVE_MS`
 * @param launcher - words before the command, such as `taskset -c 0`
 * @param words - another `recado hub` than that of the sources
 */
export async function startHubProcess(
  ports: HubPorts,
  {
    settings = {},
    launcher = [],
    words = recadoWords('hub'),
  }: { settings?: Record<string, string>; launcher?: readonly string[]; words?: readonly string[] } = {},
): Promise<HubProcess> {
  const folder = await mkdtemp(path.join(tmpdir(), 'recado-hub-'));
  const program = new ChildProgram([...launcher, ...words], {
    name: 'the hub',
    cwd: folder,
    env: {
      RECADO_HTTP_PORT: String(ports.http),
      RECADO_GATEWAYS_SOCKET_TCP_PORT: String(ports.tcp),
      RECADO_GATEWAYS_SOCKET_UDP_PORT: String(ports.udp),
      RECADO_MQTT_PORT: '0',
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
    await until('the hub answers', hasAnswered);
    if (program.hasExited) throw new Error('the hub ended while it started');
  } catch (error) {
    await stop();
    throw new Error(`the hub did not start:\n${program.errorText}`, { cause: error });
  }
  return { ports, program, url, stop };
}
