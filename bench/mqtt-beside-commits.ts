import type { Bar } from './bars.ts';
import { targetOf } from './contest.ts';
import { runMqttLoad, type MqttLoadReport } from './load-tools.ts';
import { median, printTable } from './print-table.ts';
import type { BrokerServer } from './servers/broker-server.ts';
import { startRecado } from './servers/recado.ts';

const MAX_RATIO = 2;
const SECONDS = 5;
const DURABLE_PER_SECOND = 20_000;
const OTHERS_PER_SECOND = 1000;

/** QoS 1 to a session that outlives its connection, at the same rate for each hub: each message is in a commit. */
const COMMITTED = ['-q', '1', '-c', '-t', 'durable/%d', '-f', 'durable/#', '-R', `${DURABLE_PER_SECOND}`];
/** Clients whose messages promise nothing. */
const OTHERS = ['-t', 'others/%d', '-f', 'others/#', '-R', `${OTHERS_PER_SECOND}`];

/** What the commits of some clients cost the others: the same load on a hub that writes and on one in memory. */
export async function benchMqttBesideCommits({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const written = await startRecado();
  const inMemory = await startRecado({ inMemory: true });
  const reports = { written: [] as MqttLoadReport[], inMemory: [] as MqttLoadReport[] };
  try {
    // One round more than is counted: the first seconds of a server are its compiler's.
    for (let round = 0; round <= rounds; round++) {
      const [one, other] = [await runBeside(written), await runBeside(inMemory)];
      if (round === 0) continue;
      reports.written.push(one);
      reports.inMemory.push(other);
    }
  } finally {
    await written.stop();
    await inMemory.stop();
  }
  const p99 = (of: readonly MqttLoadReport[]): number => median(of.map(({ p99Us }) => p99Us));
  printTable(
    `QoS 0, ${OTHERS_PER_SECOND} a second, beside ${DURABLE_PER_SECOND} of QoS 1 to sessions that last`,
    ['hub', 'p50 µs', 'p99 µs', 'p99.9 µs'],
    (['written', 'inMemory'] as const).map((name) => [
      name === 'written' ? 'that commits' : 'in memory',
      median(reports[name].map(({ p50Us }) => p50Us)),
      p99(reports[name]),
      median(reports[name].map(({ p999Us }) => p999Us)),
    ]),
  );
  const ratio = p99(reports.written) / p99(reports.inMemory);
  return [
    {
      figure: 'p99 of others during commits, against the same load in memory',
      met: ratio <= MAX_RATIO,
      measured: `${ratio.toFixed(2)} times`,
      wanted: `at most ${MAX_RATIO} times`,
    },
  ];
}

/** What the others had, while the first load ran. */
async function runBeside(server: BrokerServer): Promise<MqttLoadReport> {
  const run = (words: readonly string[], perSecond: number, seconds: number): Promise<MqttLoadReport> =>
    runMqttLoad<MqttLoadReport>([...targetOf(server), ...words, '-n', String(perSecond * seconds)]);
  const [, others] = await Promise.all([
    run(COMMITTED, DURABLE_PER_SECOND, SECONDS),
    run(OTHERS, OTHERS_PER_SECOND, SECONDS - 1),
  ]);
  return others;
}
