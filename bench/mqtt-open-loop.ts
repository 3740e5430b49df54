import type { Bar } from './bars.ts';
import { targetOf } from './contest.ts';
import { runMqttLoad, type MqttLoadReport } from './load-tools.ts';
import { FLASHMQ, MOSQUITTO, RECADO } from './mqtt-bars.ts';
import { printTable } from './print-table.ts';
import type { BrokerServer } from './servers/broker-server.ts';
import { startFlashMq } from './servers/flashmq.ts';
import { startMosquitto } from './servers/mosquitto.ts';
import { startRecado } from './servers/recado.ts';

const PART_OF_HIGHEST = 0.8;
const MAX_P999_MS = 5;
/** Of the closed loop that finds the highest rate. */
const PROBES = 3;
const PROBE_SECONDS = 2;
const FIRST_PROBE_MESSAGES = 100_000;

const BROKERS: Readonly<Record<string, () => Promise<BrokerServer>>> = {
  [RECADO]: () => startRecado(),
  [FLASHMQ]: startFlashMq,
  [MOSQUITTO]: startMosquitto,
};

const SHAPES: Readonly<Record<string, readonly string[]>> = {
  'QoS 0, 1→1': ['-w', '1000'],
  'QoS 1, 1→1': ['-q', '1', '-w', '1000'],
  'QoS 0, 1,000 sparse publishers': ['-p', '1000', '-w', '1000'],
};

type Tail = {
  readonly highest: number;
  /** Undefined when messages were lost in every run. */
  readonly best: MqttLoadReport | undefined;
  readonly failure: string | undefined;
};
type Measured = Tail & { readonly broker: string; readonly shape: string };

/**
 * The tail under a load that does not wait for the broker: each one's own highest rate is found in a closed loop, and
 * then 80 % of it is sent, whatever comes back. Latency counts from the time at which a message should have left.
 */
export async function benchMqttOpenLoop(options: {
  rounds: number;
  seconds: number;
}): Promise<readonly Bar[]> {
  const results: Measured[] = [];
  for (const [broker, start] of Object.entries(BROKERS)) {
    try {
      const server = await start();
      try {
        for (const shape of Object.keys(SHAPES))
          results.push({ broker, shape, ...(await measure(server, shape, options)) });
      } finally {
        await server.stop();
      }
    } catch (error) {
      if (broker === RECADO) throw error;
      process.stdout.write(`  ${broker} does not take part: ${firstLine(error)}\n`);
    }
  }
  const rows = Object.keys(SHAPES).flatMap((shape) => results.filter((each) => each.shape === shape));
  printTable(
    `MQTT, open loop: 80 % of each one's highest rate, the best of ${options.rounds} runs of ${options.seconds} s`,
    ['load', 'broker', 'highest rate', 'received at', 'p50 µs', 'p99 µs', 'p99.9 µs'],
    rows.flatMap(({ shape, broker, highest, best }) =>
      best === undefined
        ? []
        : [[shape, broker, highest, best.perSecond, best.p50Us, best.p99Us, best.p999Us]],
    ),
  );
  return rows.filter(({ broker }) => broker === RECADO).map(barOf);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

async function measure(
  server: BrokerServer,
  shape: string,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Tail> {
  const words = [...targetOf(server), ...(SHAPES[shape] ?? [])];
  const highest = await findHighestRate(words);
  const rate = Math.floor(highest * PART_OF_HIGHEST);
  const open = [...words, '-R', String(rate), '-n', String(rate * seconds), '-L', String(seconds + 30)];
  const runs: MqttLoadReport[] = [];
  let failure: string | undefined;
  for (let round = 0; round < rounds; round++) {
    await runMqttLoad<MqttLoadReport>(open)
      .then((report) => runs.push(report))
      .catch((error: unknown) => (failure = firstLine(error)));
  }
  return { highest, best: runs.toSorted((a, b) => a.p999Us - b.p999Us)[0], failure };
}

async function findHighestRate(words: readonly string[]): Promise<number> {
  let highest = 0;
  let messages = FIRST_PROBE_MESSAGES;
  for (let probe = 0; probe <= PROBES; probe++) {
    const { perSecond } = await runMqttLoad<MqttLoadReport>([...words, '-n', String(messages)]);
    // The first one only tells how long the others have to be.
    if (probe > 0) highest = Math.max(highest, perSecond);
    messages = Math.ceil(perSecond * PROBE_SECONDS);
  }
  return highest;
}

function barOf({ shape, best, failure }: Measured): Bar {
  return {
    figure: `${shape}: p99.9 at 80 % of the highest rate`,
    met: best !== undefined && best.p999Us <= MAX_P999_MS * 1000,
    measured: best === undefined ? (failure ?? 'not measured') : `${(best.p999Us / 1000).toFixed(1)} ms`,
    wanted: `at most ${MAX_P999_MS} ms`,
  };
}
