import { setTimeout as sleep } from 'node:timers/promises';
import type { Bar } from './bars.ts';
import { targetOf } from './contest.ts';
import { runMqttLoad, type MqttLoadReport } from './load-tools.ts';
import { FIFTEEN_ROWS } from './mqtt-rows.ts';
import { printTable } from './print-table.ts';
import { startRecado } from './servers/recado.ts';
import { readMemoryMib } from './servers/server-figures.ts';

const FIRST_REST_MS = 30_000;
const LAST_REST_MS = 60_000;
const MAX_IDLE_MIB = 70;
const MAX_AFTER_LOAD_MIB = 150;

/** What the process of a packaged hub takes: when nothing has come yet, and after the fifteen rows and a minute of rest. */
export async function benchHubMemory(): Promise<readonly Bar[]> {
  const hub = await startRecado();
  try {
    const { pid } = hub.program;
    const started = await readMemoryMib(pid);
    await sleep(FIRST_REST_MS);
    const idle = await readMemoryMib(pid);
    for (const { args, messages } of FIFTEEN_ROWS)
      await runMqttLoad<MqttLoadReport>([...targetOf(hub), ...args, '-n', String(messages)]);
    const [loaded, peak] = [await readMemoryMib(pid), await readMemoryMib(pid, 'VmHWM')];
    await sleep(LAST_REST_MS);
    const rested = await readMemoryMib(pid);
    printTable(
      'Memory of a packaged hub, MiB',
      ['when it answers', 'idle, 30 s later', 'right after the fifteen rows', 'at most', 'a minute later'],
      [[started, idle, loaded, peak, rested]],
    );
    return [
      barOf('idle packaged hub', idle, MAX_IDLE_MIB),
      barOf('after the fifteen rows and a minute of rest', rested, MAX_AFTER_LOAD_MIB),
    ];
  } finally {
    await hub.stop();
  }
}

function barOf(figure: string, mib: number, maxMib: number): Bar {
  return { figure, met: mib <= maxMib, measured: `${mib.toFixed(0)} MiB`, wanted: `at most ${maxMib} MiB` };
}
