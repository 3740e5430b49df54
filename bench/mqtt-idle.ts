import type { Bar } from './bars.ts';
import { targetOf } from './contest.ts';
import { runMqttLoad, type MqttIdleReport } from './load-tools.ts';
import { FLASHMQ, MOSQUITTO, RECADO } from './mqtt-bars.ts';
import { median, printTable } from './print-table.ts';
import { startAedes } from './servers/aedes.ts';
import type { BrokerServer } from './servers/broker-server.ts';
import { startFlashMq } from './servers/flashmq.ts';
import { startMosquitto } from './servers/mosquitto.ts';
import { startRecado } from './servers/recado.ts';

const CLIENTS = 9000;
const MAX_KIB_EACH = 3.5;
const MAX_CPU_US_PER_CONNECT = 40;

const BROKERS: Readonly<Record<string, () => Promise<BrokerServer>>> = {
  [RECADO]: () => startRecado(),
  [FLASHMQ]: startFlashMq,
  [MOSQUITTO]: startMosquitto,
  Aedes: startAedes,
};

/**
 * Clients that connect and do nothing more: what each takes. Every round starts the brokers anew, since memory that
 * earlier clients left behind would be used again and not be seen.
 */
export async function benchMqttIdle({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const reports = new Map<string, MqttIdleReport[]>();
  const failed = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of Object.entries(BROKERS)) {
      if (failed.has(name)) continue;
      try {
        reports.set(name, [...(reports.get(name) ?? []), await measure(start)]);
      } catch (error) {
        failed.add(name);
        reports.delete(name);
        process.stdout.write(
          `  ${name} does not take part: ${error instanceof Error ? error.message : String(error)}\n`,
        );
      }
    }
  }
  return report(reports, rounds);
}

async function measure(start: () => Promise<BrokerServer>): Promise<MqttIdleReport> {
  const server = await start();
  try {
    const words = [...targetOf(server), '-i', String(CLIENTS)];
    const first = await runMqttLoad<MqttIdleReport>(words);
    // Memory is seen when it is taken for the first time, and CPU when a compiler has nothing left to do.
    const { cpuUsPerConnect, perSecond } = await runMqttLoad<MqttIdleReport>(words);
    return { ...first, cpuUsPerConnect, perSecond };
  } finally {
    await server.stop();
  }
}

function report(reports: ReadonlyMap<string, readonly MqttIdleReport[]>, rounds: number): readonly Bar[] {
  const figures = [...reports].map(([name, each]) => ({
    name,
    kibEach: median(each.map((one) => one.kibEach)),
    cpuUs: median(each.map((one) => one.cpuUsPerConnect)),
    perSecond: median(each.map((one) => one.perSecond)),
    rssMib: median(each.map((one) => one.rssKib / 1024)),
  }));
  printTable(
    `MQTT: ${CLIENTS} idle clients, medians of ${rounds} rounds`,
    ['broker', 'KiB each', 'CPU µs per connect', 'connects/s', 'RSS MiB'],
    figures.map((each) => [each.name, each.kibEach, each.cpuUs, each.perSecond, each.rssMib]),
  );
  const recado = figures.find((each) => each.name === RECADO);
  return [
    {
      figure: 'memory of an idle client',
      met: recado !== undefined && recado.kibEach <= MAX_KIB_EACH,
      measured: recado === undefined ? 'not measured' : `${recado.kibEach.toFixed(1)} KiB`,
      wanted: `at most ${MAX_KIB_EACH} KiB`,
    },
    {
      figure: 'CPU of a connect',
      met: recado !== undefined && recado.cpuUs <= MAX_CPU_US_PER_CONNECT,
      measured: recado === undefined ? 'not measured' : `${recado.cpuUs.toFixed(0)} µs`,
      wanted: `at most ${MAX_CPU_US_PER_CONNECT} µs`,
    },
  ];
}
