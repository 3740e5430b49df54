import path from 'node:path';
import { ChildProgram } from '../test/helpers/child-program.ts';
import { findFreePorts, startHubProcess, type HubProcess } from '../test/helpers/hub-process.ts';
import { until } from '../test/helpers/until.ts';
import type { Bar } from './bars.ts';
import { LOAD_CORE, runHubLoad, SERVER_CORE } from './load-tools.ts';
import { median, printTable } from './print-table.ts';
import { readMetrics } from './servers/server-figures.ts';

const PER_SECOND = 50_000;
const MIN_RATIO = 0.8;
const CALLERS = 64;
const DEVICES = 64;
const WAYS = ['connection', 'datagram'] as const;
const KEPT = 'recado_history_readings_kept_total';
const LOST = 'recado_history_readings_lost_total';
/** Devices of the load have a token; those of commands have none. */
const SETTINGS = { RECADO_GATEWAYS_SOCKET_TRUSTED_NETWORKS: '127.0.0.0/8' };

type Way = (typeof WAYS)[number];
type Measured = {
  readonly commands: number;
  readonly arrived: number;
  readonly kept: number;
  readonly lost: number;
};

/** Commands a second while 50,000 readings a second arrive: with the history, and without it, in turns. */
export async function benchHistoryLoad({
  rounds,
  seconds,
}: {
  rounds: number;
  seconds: number;
}): Promise<readonly Bar[]> {
  const bars: Bar[] = [];
  for (const way of WAYS) {
    const withHistory: Measured[] = [];
    const without: Measured[] = [];
    for (let round = 0; round < rounds; round++) {
      withHistory.push(await measure(way, true, seconds));
      without.push(await measure(way, false, seconds));
    }
    bars.push(...report(way, withHistory, without));
  }
  return bars;
}

async function measure(way: Way, isKept: boolean, seconds: number): Promise<Measured> {
  const hub = await startHubProcess(await findFreePorts(), {
    launcher: SERVER_CORE,
    settings: { ...SETTINGS, RECADO_TELEMETRY_ENABLED: String(isKept) },
  });
  const { tcp, udp, http } = hub.ports;
  const words = [
    path.join(import.meta.dirname, 'reading-load.ts'),
    '--by',
    way,
    '--rate',
    String(PER_SECOND),
  ];
  const ports = ['--tcp', String(tcp), '--udp', String(udp)];
  const load = new ChildProgram([...LOAD_CORE, process.execPath, ...words, ...ports], { name: 'readings' });
  try {
    await load.waitForLine(/^ready$/);
    const clients = ['-c', String(CALLERS), '-d', String(DEVICES), '-a', String(DEVICES), '-w', '2'];
    const hubArgs = ['-s', String(seconds), '-t', String(tcp), '-p', String(http)];
    const call = ['-u', '/api/v1/devices/%s/commands/ligar', '-x', '"output":"ok"'];
    const measured = await runHubLoad([...clients, ...hubArgs, ...call]);
    const { perSecond, wrongStatus, wrongBody, broken, example } = measured;
    if (wrongStatus + wrongBody + broken > 0) throw new Error(`calls went wrong, first: ${example}`);
    load.endInput();
    const { sent, seconds: took } = JSON.parse(await load.waitForLine(/^\{/)) as {
      sent: number;
      seconds: number;
    };
    const { kept, lost } = isKept ? await settle(hub, sent) : { kept: 0, lost: 0 };
    return { commands: perSecond, arrived: sent / took, kept: kept / took, lost };
  } finally {
    await load.stop();
    await hub.stop();
  }
}

/** What was kept in the end; datagrams may get lost before. */
async function settle(hub: HubProcess, sent: number): Promise<{ kept: number; lost: number }> {
  let kept = -1;
  let lost = 0;
  await until('all are kept, or no more', async () => {
    const metrics = await readMetrics(hub.url);
    const before = kept;
    kept = metrics.get(KEPT) ?? 0;
    lost = metrics.get(LOST) ?? 0;
    if (kept + lost < sent) await new Promise((resolve) => setTimeout(resolve, 1500));
    return kept + lost >= sent || kept === before;
  });
  return { kept, lost };
}

function report(way: Way, withHistory: readonly Measured[], without: readonly Measured[]): readonly Bar[] {
  const middle = (of: readonly Measured[], figure: keyof Measured): number =>
    median(of.map((measured) => measured[figure]));
  const ratio = middle(withHistory, 'commands') / middle(without, 'commands');
  printTable(
    `Readings by ${way}, and commands of ${CALLERS} callers as fast as they go`,
    ['', 'readings/s sent', 'stored', 'lost', 'commands/s', 'of each round'],
    [['with the history', withHistory] as const, ['without', without] as const].map(([name, of]) => [
      name,
      middle(of, 'arrived'),
      middle(of, 'kept'),
      middle(of, 'lost'),
      middle(of, 'commands'),
      of.map(({ commands }) => commands.toFixed(0)).join(' '),
    ]),
  );
  const stored = middle(withHistory, 'kept');
  return [
    {
      figure: `readings stored, by ${way}`,
      met: stored >= PER_SECOND * 0.99,
      measured: `${stored.toFixed(0)}/s`,
      wanted: `${PER_SECOND}/s`,
    },
    {
      figure: `commands beside them, by ${way}, of those without the history`,
      met: ratio >= MIN_RATIO,
      measured: `${(ratio * 100).toFixed(0)} %`,
      wanted: `at least ${MIN_RATIO * 100} %`,
    },
  ];
}
