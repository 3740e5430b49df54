import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts, startHubProcess, type HubProcess } from '../test/helpers/hub-process.ts';
import { runHubLoad, SERVER_CORE, type HubLoadReport } from './load-tools.ts';
import type { Bar } from './bars.ts';
import { printTable } from './print-table.ts';

const DEVICES = 5000;
const ADDRESSES = 50;
const KEEP_ALIVE_SECONDS = 3;
const MAX_CPU_PERCENT = 60;
const MAX_RSS_MIB = 400;
const WATCH_PERIOD_MS = 2000;

/** Many devices that only answer keep-alives: what it costs the hub to hold them, and whether it loses any. */
export async function benchFleet({ seconds }: { seconds: number }): Promise<readonly Bar[]> {
  const hub = await startHubProcess(await findFreePorts(), { launcher: SERVER_CORE });
  try {
    const watch = watchOnline(hub);
    const devices = ['-d', String(DEVICES), '-a', String(ADDRESSES), '-t', String(hub.ports.tcp)];
    const measure = ['-s', String(seconds), '-w', '5', '-S', String(hub.program.pid)];
    const load = await runHubLoad([...devices, ...measure]).finally(() => watch.stop());
    return report(load, watch.leastOnline());
  } finally {
    await hub.stop();
  }
}

/** Asks the hub itself how many devices are online; remembers the least once all were. */
function watchOnline(hub: HubProcess): { stop(): void; leastOnline(): number | undefined } {
  let least: number | undefined;
  const stopped = new AbortController();
  const watch = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const answer = await fetch(`${hub.url}/api/v1/devices?status=online&limit=1`);
      const { total } = (await answer.json()) as { total: number };
      // An answer that came after the load has ended tells of devices that left on purpose.
      if (!stopped.signal.aborted && (least !== undefined || total >= DEVICES))
        least = Math.min(least ?? total, total);
      await sleep(WATCH_PERIOD_MS, undefined, { signal: stopped.signal }).catch(() => {});
    }
  };
  const watching = watch();
  watching.catch(() => {}); // A hub that is gone shows in the load's own report.
  return { stop: () => stopped.abort(), leastOnline: () => least };
}

function report(load: HubLoadReport, leastOnline: number | undefined): readonly Bar[] {
  const rssMib = load.rssKib / 1024;
  const expected = (load.seconds / KEEP_ALIVE_SECONDS) * DEVICES;
  printTable(
    `Fleet: ${DEVICES} idle devices for ${load.seconds.toFixed(0)} s`,
    [
      'kept',
      'least online',
      'lost',
      'keep-alives',
      'of expected',
      'gap p99 ms',
      'gap max ms',
      'CPU %',
      'RSS MiB',
      'KiB a device',
    ],
    [
      [
        load.kept,
        leastOnline ?? 'unknown',
        load.lost,
        load.keepAlives,
        load.keepAlives / expected,
        load.gapP99Ms,
        load.gapMaxMs,
        load.cpuPercent,
        rssMib,
        (load.rssKib - load.rssKibBefore) / DEVICES,
      ],
    ],
  );
  return [
    {
      figure: 'devices kept',
      met: load.lost === 0 && leastOnline === DEVICES,
      measured: `${load.kept}`,
      wanted: `${DEVICES}`,
    },
    {
      figure: 'CPU',
      met: load.cpuPercent < MAX_CPU_PERCENT,
      measured: `${load.cpuPercent} %`,
      wanted: `under ${MAX_CPU_PERCENT} % of a core`,
    },
    {
      figure: 'memory',
      met: rssMib < MAX_RSS_MIB,
      measured: `${rssMib.toFixed(0)} MiB`,
      wanted: `under ${MAX_RSS_MIB} MB`,
    },
  ];
}
