import type { Bar } from './bars.ts';
import { printContest, runContest, type Workload } from './contest.ts';
import { compareWithPeers, FLASHMQ, MOSQUITTO, RECADO } from './mqtt-bars.ts';
import { startFlashMq } from './servers/flashmq.ts';
import { startMosquitto } from './servers/mosquitto.ts';
import { startRecado } from './servers/recado.ts';

const MESSAGES = 1000;
const MAX_RATIO = 2;

const workload = (version: 4 | 5, qos: 1 | 2): Workload => ({
  name: `MQTT ${version === 4 ? '3.1.1' : '5'}, QoS ${qos}`,
  args: ['-e', '-v', String(version), '-q', String(qos)],
  messages: MESSAGES,
  messagesWhenSlow: MESSAGES,
});

/**
 * A client with the default socket options of libmosquitto that publishes to its own subscription: what it sends in
 * small packets waits in its kernel until the broker's answers, or their acknowledgements, have come.
 */
export async function benchMqttNagle({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const workloads = [workload(4, 1), workload(4, 2), workload(5, 1), workload(5, 2)];
  const contenders = [
    { name: RECADO, start: () => startRecado() },
    { name: FLASHMQ, start: startFlashMq },
    { name: MOSQUITTO, start: startMosquitto },
  ];
  const result = await runContest({ workloads, contenders, rounds });
  const title = `MQTT: ${MESSAGES} messages there and back, Nagle on, 20 in flight, medians of ${rounds} rounds`;
  printContest(title, result, { workloads, contenders });
  return workloads.map((each) =>
    compareWithPeers(result, each, {
      figure: `${MESSAGES} there and back, Nagle on`,
      peers: [MOSQUITTO],
      read: ({ seconds }) => seconds * 1000,
      unit: 'ms',
      maxRatio: MAX_RATIO,
    }),
  );
}
