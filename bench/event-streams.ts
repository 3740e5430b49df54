import path from 'node:path';
import { ChildProgram } from '../test/helpers/child-program.ts';
import { findFreePorts, startHubProcess } from '../test/helpers/hub-process.ts';
import type { Bar } from './bars.ts';
import { LOAD_CORE, SERVER_CORE } from './load-tools.ts';
import { printTable } from './print-table.ts';
import { readMetrics } from './servers/server-figures.ts';

const DEVICES = 1000;
const NARROW = 1000;
const WHOLE = 20;
const DEAF = 100;
const MAX_CPU_PERCENT = 100;
/** From the middle to the end: whether it goes on growing. What it took until then is not looked at. */
const MAX_DEAF_MIB = 32;
const MIB = 1_048_576;
/** For the readers to have read all, however late. */
const LONGEST_MS = 180_000;
const SETTINGS = {
  // Devices say nothing until all readers are there.
  RECADO_GATEWAYS_SOCKET_FRAMED_KEEP_ALIVE_MS: '600000',
  RECADO_EVENTS_MAX_STREAMS: '5000',
  RECADO_EVENTS_MAX_STREAMS_PER_CALLER: '5000',
  RECADO_MEMORY_MAX_KEPT_BYTES: String(8 * 1024 * MIB),
};

type LoadReport = {
  readonly sent: number;
  readonly seconds: number;
  readonly narrow: number;
  readonly narrowExpected: number;
  readonly whole: number;
  readonly wholeExpected: number;
};
type Measured = LoadReport & {
  readonly cpuPercent: number;
  readonly residentMib: number;
  readonly growthMib: number;
};

/** Readers of events: 1,000 of ten devices each, and 20 of all, while 1,000 devices report 10,000 readings a second. */
export async function benchEventStreams({ seconds }: { seconds: number }): Promise<readonly Bar[]> {
  const all = await measure(seconds, ['--narrow', String(NARROW), '--whole', String(WHOLE)]);
  const deaf = await measure(seconds, ['--narrow', '0', '--whole', '1', '--deaf', String(DEAF)]);
  printTable(
    `${DEVICES} devices that report ten times a second each`,
    ['readers', 'readings/s', 'events/s read', 'of all %', 'hub, % of a core', 'hub, MiB'],
    [
      [`${NARROW} of ten devices, ${WHOLE} of all`, all] as const,
      [`1 of all, ${DEAF} that read nothing`, deaf] as const,
    ].map(([name, of]) => [
      name,
      of.sent / of.seconds,
      (of.narrow + of.whole) / of.seconds,
      ((of.narrow + of.whole) / (of.narrowExpected + of.wholeExpected)) * 100,
      of.cpuPercent,
      of.residentMib,
    ]),
  );
  const isWhole = all.narrow === all.narrowExpected && all.whole === all.wholeExpected;
  return [
    {
      figure: 'each reader gets all that it asked for',
      met: isWhole,
      measured: `${all.narrow + all.whole} of ${all.narrowExpected + all.wholeExpected}`,
      wanted: 'all',
    },
    {
      figure: 'CPU of the hub',
      met: all.cpuPercent < MAX_CPU_PERCENT,
      measured: `${all.cpuPercent.toFixed(0)} % of a core`,
      wanted: `under ${MAX_CPU_PERCENT} %`,
    },
    {
      figure: `growth of the hub with ${DEAF} that read nothing`,
      met: deaf.growthMib < MAX_DEAF_MIB,
      measured: `${deaf.growthMib.toFixed(0)} MiB`,
      wanted: `under ${MAX_DEAF_MIB} MiB`,
    },
  ];
}

async function measure(seconds: number, readers: readonly string[]): Promise<Measured> {
  const hub = await startHubProcess(await findFreePorts(), { launcher: SERVER_CORE, settings: SETTINGS });
  const ports = ['--tcp', String(hub.ports.tcp), '--http', String(hub.ports.http)];
  const words = [
    path.join(import.meta.dirname, 'event-stream-load.ts'),
    ...ports,
    '--devices',
    String(DEVICES),
  ];
  const load = new ChildProgram(
    [...LOAD_CORE, process.execPath, ...words, '--seconds', String(seconds), ...readers],
    { name: 'readers' },
  );
  try {
    await load.waitForLine(/^ready$/, { timeoutMs: LONGEST_MS });
    const before = await readMetrics(hub.url);
    load.say('go');
    await new Promise((resolve) => setTimeout(resolve, (seconds * 1000) / 2));
    const middle = await readMetrics(hub.url);
    await load.waitForLine(/^sent$/, { timeoutMs: LONGEST_MS });
    const after = await readMetrics(hub.url);
    const report = JSON.parse(await load.waitForLine(/^\{/, { timeoutMs: LONGEST_MS })) as LoadReport;
    const cpu = (metrics: ReadonlyMap<string, number>): number => metrics.get('process_cpu_seconds_total')!;
    return {
      ...report,
      cpuPercent: ((cpu(after) - cpu(before)) / report.seconds) * 100,
      residentMib: mibOf(after),
      growthMib: mibOf(after) - mibOf(middle),
    };
  } finally {
    await load.stop();
    await hub.stop();
  }
}

function mibOf(metrics: ReadonlyMap<string, number>): number {
  return metrics.get('process_resident_memory_bytes')! / MIB;
}
