import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ChildProgram } from '../test/helpers/child-program.ts';

const run = promisify(execFile);
const SOURCES = path.join(import.meta.dirname, 'tools');
const BINARIES = path.join(import.meta.dirname, 'bin');
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  hubload: ['measure.h', 'plain_device.h', 'http_client.h'],
  udpload: ['measure.h', 'plain_device.h'],
  mqttload: [
    'measure.h',
    'mqtt_packets.h',
    'mqtt_deliveries.h',
    'web_socket.h',
    'mqtt_connection.h',
    'mqtt_options.h',
    'mqtt_clients.h',
    'mqtt_publishing.h',
  ],
};
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** What `hubload` prints; parts are there only when it had clients, devices or a server to watch. */
export type HubLoadReport = {
  readonly seconds: number;
  readonly answers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly wrongStatus: number;
  readonly wrongBody: number;
  readonly broken: number;
  readonly example: string;
  readonly devices: number;
  readonly kept: number;
  readonly lost: number;
  readonly commands: number;
  readonly keepAlives: number;
  readonly gapP50Ms: number;
  readonly gapP99Ms: number;
  readonly gapMaxMs: number;
  readonly glued: number;
  readonly unread: number;
  readonly cpuPercent: number;
  readonly cpuSeconds: number;
  readonly rssKib: number;
  readonly rssKibBefore: number;
};

/** What `udpload` prints when its last datagram has left. */
export type UdpLoadReport = {
  readonly id: string;
  readonly sent: number;
  readonly refused: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly last: number;
  readonly lastText: string;
  readonly connected: boolean;
};

/** What `mqttload` prints of messages that all came, unharmed; the broker's process was told to it. */
export type MqttLoadReport = {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** Of one core, by the load tool itself: near 100 it may be what sets the rate. */
  readonly loadCpuPercent: number;
  readonly cpuSeconds: number;
  readonly cpuUsPerMessage: number;
  readonly rssKib: number;
};

/** What `mqttload` prints of idle clients. */
export type MqttIdleReport = {
  readonly idle: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly rssKibBefore: number;
  readonly rssKib: number;
  readonly kibEach: number;
  readonly cpuUsPerConnect: number;
};

const hasTaskset = os.availableParallelism() > 1 && existsSync('/usr/bin/taskset');

/** Words before a command that keep a server on the first core, and what loads it on the second. */
export const SERVER_CORE: readonly string[] = hasTaskset ? ['taskset', '-c', '0'] : [];
export const LOAD_CORE: readonly string[] = hasTaskset ? ['taskset', '-c', '1'] : [];

/** Compiles the load tools that are newer than their programs. Needs a C compiler called `cc`. */
export async function compileTools(): Promise<void> {
  await mkdir(BINARIES, { recursive: true });
  for (const [name, headers] of Object.entries(TOOLS)) {
    const binary = path.join(BINARIES, name);
    const sources = [`${name}.c`, ...headers].map((file) => path.join(SOURCES, file));
    if (existsSync(binary) && (await newest(sources)) < (await newest([binary]))) continue;
    await run('cc', ['-O2', '-Wall', '-Wextra', '-o', binary, path.join(SOURCES, `${name}.c`)]).catch(
      (error: unknown) => {
        throw new Error(`${name} could not be compiled: install a C compiler (Debian: gcc, libc6-dev)`, {
          cause: error,
        });
      },
    );
  }
}

async function newest(files: readonly string[]): Promise<number> {
  const times = await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs));
  return Math.max(...times);
}

/** Runs `hubload` to its end, on the load's core. */
export async function runHubLoad(args: readonly string[]): Promise<HubLoadReport> {
  const [command = '', ...rest]: readonly string[] = [...LOAD_CORE, path.join(BINARIES, 'hubload'), ...args];
  const { stdout } = await run(command, rest, { maxBuffer: MAX_OUTPUT_BYTES });
  return JSON.parse(stdout) as HubLoadReport;
}

/**
 * Runs `mqttload` to its end, on the load's core. Fails, with its words, when the broker could not be reached or a
 * message was lost, doubled, altered or out of order.
 */
export async function runMqttLoad<Report extends MqttLoadReport | MqttIdleReport>(
  args: readonly string[],
): Promise<Report> {
  const [command = '', ...rest]: readonly string[] = [...LOAD_CORE, path.join(BINARIES, 'mqttload'), ...args];
  const { stdout } = await run(command, rest).catch((error: Error & { stdout?: string; stderr?: string }) => {
    const words = `${error.stderr ?? ''}${error.stdout ?? ''}`.trim();
    throw new Error(`mqttload ${args.join(' ')}: ${words === '' ? error.message : words}`, { cause: error });
  });
  return JSON.parse(stdout) as Report;
}

/** Starts `udpload` on the load's core; it stays connected until `stop`. */
export async function startUdpLoad(
  args: readonly string[],
  timeoutMs: number,
): Promise<{ report: UdpLoadReport; stop(): Promise<void> }> {
  const program = new ChildProgram([...LOAD_CORE, path.join(BINARIES, 'udpload'), ...args], {
    name: 'udpload',
  });
  try {
    const line = await program.waitForLine(/^\{/, { timeoutMs });
    return { report: JSON.parse(line) as UdpLoadReport, stop: () => program.stop() };
  } catch (error) {
    await program.stop();
    throw error;
  }
}
