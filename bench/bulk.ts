import { readFileSync } from 'node:fs';
import { createClient } from '../src/client/index.ts';
import { findFreePorts, startHubProcess, type HubProcess } from '../test/helpers/hub-process.ts';
import { until } from '../test/helpers/until.ts';
import type { Bar } from './bars.ts';
import { runHubLoad, SERVER_CORE } from './load-tools.ts';
import { printTable } from './print-table.ts';

/** As many as have room where a process may open 20,000 files. */
const DEVICES = 9000;
const ADDRESSES = 90;
/** How long the devices stay: to connect, and to be asked three times. */
const STAY_SECONDS = 30;
const CONNECT_MS = 40_000;
const RUNS = 3;
const MAX_FIRST_MS = 100;
const MAX_ALL_MS = 10_000;
const MAX_GROWTH_MIB = 32;

type Run = { readonly firstMs: number; readonly allMs: number; readonly completed: number };

/** One command to 9,000 TCP devices: when the first answer comes, when all have, and what the hub grows by. */
export async function benchBulk(): Promise<readonly Bar[]> {
  const hub = await startHubProcess(await findFreePorts(), { launcher: SERVER_CORE });
  try {
    const load = ['-d', String(DEVICES), '-a', String(ADDRESSES), '-t', String(hub.ports.tcp)];
    const staying = runHubLoad([
      ...load,
      '-s',
      String(STAY_SECONDS),
      '-w',
      '1',
      '-S',
      String(hub.program.pid),
    ]);
    const client = createClient({ url: hub.url, timeoutMs: CONNECT_MS });
    const isThere = async (): Promise<boolean> => {
      return (await client.devices.list({ status: 'online', limit: 1 })).total === DEVICES;
    };
    await Promise.race([until('all are online', isThere, CONNECT_MS), staying]);
    // Unmeasured: what the compiler and the collector make of the first one.
    await runOnce(hub);
    const before = rssMibOf(hub);
    const runs: Run[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await runOnce(hub));
    const growth = rssMibOf(hub) - before;
    await staying;
    return report(runs, growth);
  } finally {
    await hub.stop();
  }
}

async function runOnce({ url }: HubProcess): Promise<Run> {
  const begin = performance.now();
  let firstMs = 0;
  let completed = 0;
  for await (const line of createClient({ url }).commandDevices('ligar', { select: {} })) {
    if (line.type === 'result' && firstMs === 0) firstMs = performance.now() - begin;
    if (line.type === 'end') ({ completed } = line);
  }
  return { firstMs, allMs: performance.now() - begin, completed };
}

function rssMibOf({ program }: HubProcess): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

function report(runs: readonly Run[], growth: number): readonly Bar[] {
  printTable(
    `One command to ${DEVICES} devices`,
    ['first ms', 'all ms', 'completed'],
    runs.map(({ firstMs, allMs, completed }) => [firstMs, allMs, completed]),
  );
  const worst = (read: (run: Run) => number): number => Math.max(...runs.map(read));
  const [firstMs, allMs] = [worst((run) => run.firstMs), worst((run) => run.allMs)];
  return [
    {
      figure: 'first answer of 9,000',
      met: firstMs < MAX_FIRST_MS,
      measured: `${firstMs.toFixed(0)} ms`,
      wanted: `under ${MAX_FIRST_MS} ms`,
    },
    {
      figure: 'all answers of 9,000',
      met: allMs < MAX_ALL_MS && runs.every(({ completed }) => completed === DEVICES),
      measured: `${allMs.toFixed(0)} ms`,
      wanted: `under ${MAX_ALL_MS} ms`,
    },
    {
      figure: 'memory, after three of them',
      met: growth < MAX_GROWTH_MIB,
      measured: `${growth.toFixed(0)} MiB more`,
      wanted: `under ${MAX_GROWTH_MIB} MiB more`,
    },
  ];
}
