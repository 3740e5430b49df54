import type { Bar } from './bars.ts';
import { targetOf } from './contest.ts';
import { runMqttLoad, type MqttLoadReport } from './load-tools.ts';
import { FLASHMQ, MOSQUITTO, RECADO } from './mqtt-bars.ts';
import { printTable } from './print-table.ts';
import { NotInstalledError, type BrokerServer } from './servers/broker-server.ts';
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

type Measured = { readonly highest: number; readonly runs: readonly MqttLoadReport[] };

/**
 * The tail under a load that does not wait for the broker: each one's own highest rate is found in a closed loop, and
 * then 80 % of it is sent, whatever comes back. Latency counts from the time at which a message should have left.
 */
export async function benchMqttOpenLoop(options: {
  rounds: number;
  seconds: number;
}): Promise<readonly Bar[]> {
  const rows: (string | number)[][] = [];
  const bars: Bar[] = [];
  for (const [name, start] of Object.entries(BROKERS)) {
    try {
      const server = await start();
      try {
        for (const [shape, args] of Object.entries(SHAPES)) {
          const measured = await measure(server, args, options);
          const best = bestOf(measured.runs);
          rows.push([shape, name, measured.highest, best.perSecond, best.p50Us, best.p99Us, best.p999Us]);
          if (name === RECADO) bars.push(barOf(shape, best));
        }
      } finally {
        await server.stop();
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      process.stdout.write(`  ${name} does not take part: ${why}\n`);
      if (!(error instanceof NotInstalledError)) bars.push(failureOf(name, why));
    }
  }
  const columns = ['load', 'broker', 'highest rate', 'sent at', 'p50 µs', 'p99 µs', 'p99.9 µs'];
  const title = `MQTT, open loop: 80 % of each one's highest rate, the best of ${options.rounds} runs of ${options.seconds} s`;
  printTable(
    title,
    columns,
    rows.toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
  );
  return bars;
}

async function measure(
  server: BrokerServer,
  args: readonly string[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Measured> {
  const words = [...targetOf(server), ...args];
  let highest = 0;
  let messages = FIRST_PROBE_MESSAGES;
  for (let probe = 0; probe <= PROBES; probe++) {
    const { perSecond } = await runMqttLoad<MqttLoadReport>([...words, '-n', String(messages)]);
    // The first one only tells how long the others have to be.
    if (probe > 0) highest = Math.max(highest, perSecond);
    messages = Math.ceil(perSecond * PROBE_SECONDS);
  }
  const rate = Math.floor(highest * PART_OF_HIGHEST);
  const open = [...words, '-R', String(rate), '-n', String(rate * seconds), '-L', String(seconds + 30)];
  const runs: MqttLoadReport[] = [];
  for (let round = 0; round < rounds; round++) runs.push(await runMqttLoad<MqttLoadReport>(open));
  return { highest, runs };
}

function bestOf(runs: readonly MqttLoadReport[]): MqttLoadReport {
  const [best] = runs.toSorted((a, b) => a.p999Us - b.p999Us);
  if (best === undefined) throw new Error('there was no run');
  return best;
}

function barOf(shape: string, { p999Us }: MqttLoadReport): Bar {
  return {
    figure: `${shape}: p99.9 at 80 % of the highest rate`,
    met: p999Us <= MAX_P999_MS * 1000,
    measured: `${(p999Us / 1000).toFixed(1)} ms`,
    wanted: `at most ${MAX_P999_MS} ms`,
  };
}

function failureOf(name: string, measured: string): Bar {
  return {
    figure: `${name} under an open loop`,
    met: name === RECADO ? false : undefined,
    measured,
    wanted: 'a figure',
  };
}
