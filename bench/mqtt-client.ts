import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ChildProgram } from '../test/helpers/child-program.ts';
import type { Bar } from './bars.ts';
import { LOAD_CORE, SERVER_CORE } from './load-tools.ts';
import { median, printTable } from './print-table.ts';

const run = promisify(execFile);
const WORKS = ['send QoS 0', 'send QoS 1', 'receive QoS 0', 'receive QoS 1'] as const;
/** So many that each runs for half a second or so. */
const MESSAGES = { recado: 200_000, 'MQTT.js': 40_000 } as const;
/** A young generation that all garbage of the counted messages fits in, so that it can be counted. */
const NODE_FLAGS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];
const MIN_RATE_RATIO = 5;
const MAX_GARBAGE_RATIO = 1 / 3;

type Client = keyof typeof MESSAGES;
type Cost = { readonly perSecond: number; readonly cpuUs: number; readonly garbageBytes: number };

function fileOf(name: string): string {
  return path.join(import.meta.dirname, name);
}

async function measure(client: Client, work: string, port: string): Promise<Cost> {
  const flags = ['--client', client, '--work', work, '--port', port, '--messages', String(MESSAGES[client])];
  const words = [...SERVER_CORE, process.execPath, ...NODE_FLAGS, fileOf('mqtt-client-load.ts'), ...flags];
  const [command = '', ...rest] = words;
  const { stdout } = await run(command, rest);
  return JSON.parse(stdout) as Cost;
}

function medianOf(costs: readonly Cost[]): Cost {
  return {
    perSecond: median(costs.map(({ perSecond }) => perSecond)),
    cpuUs: median(costs.map(({ cpuUs }) => cpuUs)),
    garbageBytes: median(costs.map(({ garbageBytes }) => garbageBytes)),
  };
}

/** Holds the client of `recado/mqtt` against MQTT.js, in turn and against the same server. */
export async function benchMqttClient({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const peer = new ChildProgram([...LOAD_CORE, process.execPath, fileOf('mqtt-client-peer.ts')], {
    name: 'the server',
  });
  try {
    const port = await peer.waitForLine(/^\d+$/);
    const bars: Bar[] = [];
    const rows: (string | number)[][] = [];
    for (const work of WORKS) {
      const costs: Record<Client, Cost[]> = { recado: [], 'MQTT.js': [] };
      for (let round = 0; round < rounds; round++)
        for (const client of ['recado', 'MQTT.js'] as const)
          costs[client].push(await measure(client, work, port));
      const [own, other] = [medianOf(costs.recado), medianOf(costs['MQTT.js'])];
      for (const [client, cost] of [
        ['recado', own],
        ['MQTT.js', other],
      ] as const)
        rows.push([work, client, cost.perSecond, cost.cpuUs, cost.garbageBytes]);
      const rate = own.perSecond / other.perSecond;
      const garbage = own.garbageBytes / other.garbageBytes;
      bars.push(
        {
          figure: `${work}: messages/s, against MQTT.js`,
          met: rate >= MIN_RATE_RATIO,
          measured: `${rate.toFixed(1)} times`,
          wanted: `at least ${MIN_RATE_RATIO} times`,
        },
        {
          figure: `${work}: garbage of a message, against MQTT.js`,
          met: garbage <= MAX_GARBAGE_RATIO,
          measured: `${(garbage * 100).toFixed(0)} %`,
          wanted: 'at most 33 %',
        },
      );
    }
    const columns = ['work', 'client', 'messages/s', 'CPU µs', 'garbage, bytes'];
    printTable('MQTT clients: 64 bytes, MQTT 5, at most 100 unacknowledged', columns, rows);
    return bars;
  } finally {
    await peer.stop();
  }
}
