import type { Bar } from './bars.ts';
import { printContest, runContest, type Contender, type ContestResult } from './contest.ts';
import { compareRates, compareWithPeers, FLASHMQ, MOSQUITTO, RECADO } from './mqtt-bars.ts';
import { AEDES, FIFTEEN_ROWS, RECADO_ACL, RECADO_MQTT5, type Row } from './mqtt-rows.ts';
import { startAedes } from './servers/aedes.ts';
import { startFlashMq } from './servers/flashmq.ts';
import { startMosquitto } from './servers/mosquitto.ts';
import { startRecado } from './servers/recado.ts';

const startPlain = (): ReturnType<typeof startRecado> => startRecado();

const CONTENDERS: readonly Contender[] = [
  { name: RECADO, start: startPlain },
  { name: FLASHMQ, start: startFlashMq },
  { name: MOSQUITTO, start: startMosquitto, isSlow: true },
  { name: RECADO_MQTT5, start: startPlain, args: ['-v', '5'] },
  { name: RECADO_ACL, start: () => startRecado({ withAcl: true }) },
  { name: AEDES, start: startAedes, isSlow: true },
];

/** How many times the rate of another Recado's has to be, in the rows in which its variants take part. */
const MIN_RATES: Readonly<Record<string, number>> = { [MOSQUITTO]: 10, [AEDES]: 8 };
/** Which part of Recado's plain rate its variants have to reach. */
const MIN_PARTS: Readonly<Record<string, number>> = { [RECADO_MQTT5]: 0.9, [RECADO_ACL]: 0.85 };

/** The fifteen rows: messages through Recado's broker and through others, in one run. */
export async function benchMqttBrokers({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const contest = { workloads: FIFTEEN_ROWS, contenders: CONTENDERS };
  const result = await runContest({ ...contest, rounds });
  printContest(`MQTT: medians of ${rounds} rounds`, result, contest);
  return FIFTEEN_ROWS.flatMap((row) => judge(row, result));
}

function judge(row: Row, result: ContestResult): readonly Bar[] {
  const cpu = compareWithPeers(result, row, {
    figure: 'server CPU of a message',
    peers: [FLASHMQ, MOSQUITTO],
    read: ({ cpuUs }) => cpuUs,
    unit: 'µs',
    maxRatio: row.maxCpuRatio,
  });
  const rates = Object.entries(MIN_RATES).map(([other, minRatio]) =>
    compareRates(result, row, { other, minRatio }),
  );
  const parts = Object.entries(MIN_PARTS).map(([of, minRatio]) =>
    compareRates(result, row, { of, other: RECADO, minRatio }),
  );
  return [cpu, ...judgeTail(row, result), ...(row.hasVariants ? [...rates, ...parts] : [])];
}

function judgeTail(row: Row, result: ContestResult): readonly Bar[] {
  if (row.maxP99Ms === undefined) return [];
  const p99Ms = (result.figuresOf(RECADO, row)?.p99Us ?? Number.NaN) / 1000;
  const peers = [FLASHMQ, MOSQUITTO].flatMap((name) => {
    const figures = result.figuresOf(name, row);
    return figures === undefined ? [] : [`${name} ${(figures.p99Us / 1000).toFixed(1)}`];
  });
  return [
    {
      figure: `${row.name}: p99`,
      met: p99Ms <= row.maxP99Ms,
      measured: `${p99Ms.toFixed(1)} ms (${peers.join(', ')})`,
      wanted: `at most ${row.maxP99Ms} ms`,
    },
  ];
}
