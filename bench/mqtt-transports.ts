import type { Bar } from './bars.ts';
import { printContest, runContest, type Contender, type Workload } from './contest.ts';
import { compareWithPeers, FLASHMQ, MOSQUITTO, RECADO } from './mqtt-bars.ts';
import type { BrokerServer } from './servers/broker-server.ts';
import { startFlashMq } from './servers/flashmq.ts';
import { startMosquitto } from './servers/mosquitto.ts';
import { startRecado } from './servers/recado.ts';
import { behindStunnel } from './servers/stunnel.ts';

const MAX_CPU_RATIO = 0.2;

const QOS_0: readonly Workload[] = [
  { name: 'window 100', args: ['-w', '100'], messages: 500_000, messagesWhenSlow: 100_000 },
  { name: 'window 1000', args: ['-w', '1000'], messages: 1_000_000, messagesWhenSlow: 100_000 },
  {
    name: '20→20',
    args: ['-p', '20', '-s', '20', '-f', 'load/%d', '-F', '1', '-w', '100'],
    messages: 300_000,
    messagesWhenSlow: 100_000,
  },
];
const QOS_1: Workload = { name: 'QoS 1', args: ['-q', '1'], messages: 200_000, messagesWhenSlow: 50_000 };

/** MQTT over TLS; what the clients' side of TLS costs is stunnel's, on the load's core. */
export function benchMqttTls({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const before = (start: () => Promise<BrokerServer>) => async (): Promise<BrokerServer> =>
    behindStunnel(await start());
  return benchTransport('TLS', rounds, [
    { name: RECADO, start: before(() => startRecado({ withTls: true })) },
    { name: FLASHMQ, start: before(() => startFlashMq({ withTls: true })) },
    { name: MOSQUITTO, start: before(() => startMosquitto({ withTls: true })), isSlow: true },
  ]);
}

/** MQTT over WebSocket, a frame for each packet. */
export function benchMqttWebSocket({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const over = (start: () => Promise<BrokerServer>) => async (): Promise<BrokerServer> => {
    const server = await start();
    return { ...server, port: server.webSocket?.port ?? server.port };
  };
  const args = ['-k', '/mqtt'];
  return benchTransport('WebSocket', rounds, [
    { name: RECADO, start: over(() => startRecado()), args },
    { name: FLASHMQ, start: over(() => startFlashMq({ withWebSocket: true })), args },
    { name: MOSQUITTO, start: over(() => startMosquitto({ withWebSocket: true })), args, isSlow: true },
  ]);
}

async function benchTransport(
  transport: string,
  rounds: number,
  contenders: readonly Contender[],
): Promise<readonly Bar[]> {
  const workloads = [...QOS_0, QOS_1].map((each) => ({ ...each, name: `${transport}, ${each.name}` }));
  const result = await runContest({ workloads, contenders, rounds });
  printContest(`MQTT over ${transport}: medians of ${rounds} rounds`, result, { workloads, contenders });
  return workloads.slice(0, QOS_0.length).map((workload) =>
    compareWithPeers(result, workload, {
      figure: 'server CPU of a message',
      peers: [MOSQUITTO],
      read: ({ cpuUs }) => cpuUs,
      unit: 'µs',
      maxRatio: MAX_CPU_RATIO,
    }),
  );
}
