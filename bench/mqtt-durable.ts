import type { Bar } from './bars.ts';
import { printContest, runContest, type Contender, type Workload } from './contest.ts';
import { compareRates, MOSQUITTO, RECADO } from './mqtt-bars.ts';
import { benchMqttBesideCommits } from './mqtt-beside-commits.ts';
import { startMosquitto } from './servers/mosquitto.ts';
import { startRecado } from './servers/recado.ts';

const IN_MEMORY = 'Recado, in memory';
const MIN_OF_IN_MEMORY = 0.4;
const MIN_OF_MOSQUITTO = 5;
const MAX_EACH_MS = 2;

/** QoS 1 to a session that outlives its connection: each PUBACK promises that the message lasts. */
const MANY_IN_FLIGHT: readonly Workload[] = [
  {
    name: 'durable, window 1000',
    args: ['-q', '1', '-c', '-w', '1000'],
    messages: 200_000,
    messagesWhenSlow: 5000,
  },
  {
    name: 'durable, 50→1',
    args: ['-q', '1', '-c', '-p', '50', '-w', '2000'],
    messages: 200_000,
    messagesWhenSlow: 5000,
    without: [MOSQUITTO],
  },
];
const ONE_AT_A_TIME: Workload = {
  name: 'durable, one at a time',
  args: ['-q', '1', '-c', '-w', '1'],
  messages: 3000,
  messagesWhenSlow: 100,
  without: [MOSQUITTO],
};

/**
 * What it costs that an acknowledgement means something: Recado syncs before PUBACK. Mosquitto is set to save after each
 * change, within a second; after the first workload its session has so much left over that the others say nothing of it.
 */
export async function benchMqttDurable({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const contenders: readonly Contender[] = [
    { name: RECADO, start: () => startRecado() },
    { name: IN_MEMORY, start: () => startRecado({ inMemory: true }) },
    { name: MOSQUITTO, start: () => startMosquitto({ isPersistent: true }), isSlow: true },
  ];
  const workloads = [...MANY_IN_FLIGHT, ONE_AT_A_TIME];
  const result = await runContest({ workloads, contenders, rounds });
  printContest(`QoS 1 to sessions that last: medians of ${rounds} rounds`, result, { workloads, contenders });
  // The next one leaves when this one was delivered and acknowledged.
  const eachMs = 1000 / (result.figuresOf(RECADO, ONE_AT_A_TIME)?.perSecond ?? 0);
  return [
    ...MANY_IN_FLIGHT.map((workload) =>
      compareRates(result, workload, { other: IN_MEMORY, minRatio: MIN_OF_IN_MEMORY }),
    ),
    compareRates(result, MANY_IN_FLIGHT[0]!, { other: MOSQUITTO, minRatio: MIN_OF_MOSQUITTO }),
    {
      figure: `${ONE_AT_A_TIME.name}: until it is acknowledged, on average`,
      wanted: `at most ${MAX_EACH_MS} ms`,
      measured: `${eachMs.toFixed(2)} ms`,
      met: eachMs <= MAX_EACH_MS,
    },
    ...(await benchMqttBesideCommits({ rounds })),
  ];
}
