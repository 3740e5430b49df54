import path from 'node:path';
import { ChildProgram } from '../test/helpers/child-program.ts';
import type { Bar } from './bars.ts';
import { targetOf } from './contest.ts';
import { LOAD_CORE, runMqttLoad, type MqttLoadReport } from './load-tools.ts';
import { median, printTable } from './print-table.ts';
import type { BrokerServer } from './servers/broker-server.ts';
import { startRecado } from './servers/recado.ts';

const MIN_PART = 0.9;
const CHURNER = path.join(import.meta.dirname, 'mqtt-churner.ts');

const LOADS: Readonly<Record<string, readonly string[]>> = {
  '1 topic, QoS 0': ['-w', '1000', '-n', '2000000'],
  '1,000 topics, QoS 0': ['-p', '1000', '-w', '1000', '-n', '1000000'],
};

/** Runs a load beside a client that subscribes and unsubscribes, which is a process of its own on the load's core. */
async function runChurned(
  port: number,
  words: readonly string[],
): Promise<{ report: MqttLoadReport; changes: number }> {
  const churner = new ChildProgram([...LOAD_CORE, process.execPath, CHURNER, String(port)], {
    name: 'the churner',
  });
  try {
    await churner.waitForLine('ready');
    const report = await runMqttLoad<MqttLoadReport>(words);
    churner.signal('SIGTERM');
    const line = await churner.waitForLine(/^changes /);
    return { report, changes: Number(line.slice('changes '.length)) };
  } finally {
    await churner.stop();
  }
}

type Loaded = { readonly perSecond: number; readonly cpuUs: number };
type Measured = { readonly quiet: Loaded; readonly churned: Loaded; readonly changesPerSecond: number };

function mediansOf(reports: readonly MqttLoadReport[]): Loaded {
  return {
    perSecond: median(reports.map(({ perSecond }) => perSecond)),
    cpuUs: median(reports.map(({ cpuUsPerMessage }) => cpuUsPerMessage)),
  };
}

/** The two take turns, so that a busy moment of the machine meets both. */
async function measure(server: BrokerServer, args: readonly string[], rounds: number): Promise<Measured> {
  const words = [...targetOf(server), ...args];
  const quiet: MqttLoadReport[] = [];
  const churned: MqttLoadReport[] = [];
  const changes: number[] = [];
  await runMqttLoad<MqttLoadReport>(words); // warms up
  for (let round = 0; round < rounds; round++) {
    quiet.push(await runMqttLoad<MqttLoadReport>(words));
    const beside = await runChurned(server.port, words);
    churned.push(beside.report);
    changes.push(beside.changes);
  }
  return { quiet: mediansOf(quiet), churned: mediansOf(churned), changesPerSecond: median(changes) };
}

/** What publishers lose while another client subscribes and unsubscribes, with and without an ACL. */
export async function benchMqttChurn({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const rows: (string | number)[][] = [];
  const bars: Bar[] = [];
  for (const withAcl of [false, true]) {
    const server = await startRecado({ withAcl });
    try {
      for (const [load, args] of Object.entries(LOADS)) {
        const name = withAcl ? `${load}, an ACL` : load;
        const { quiet, churned, changesPerSecond } = await measure(server, args, rounds);
        const part = churned.perSecond / quiet.perSecond;
        const rates = [quiet.perSecond, churned.perSecond, part];
        const changeUs = ((churned.cpuUs - quiet.cpuUs) * churned.perSecond) / changesPerSecond;
        rows.push([name, ...rates, quiet.cpuUs, churned.cpuUs, changesPerSecond, changeUs]);
        bars.push({
          figure: `rate while others subscribe, ${name}`,
          met: part >= MIN_PART,
          measured: `${(part * 100).toFixed(0)} %`,
          wanted: `≥ ${MIN_PART * 100} %`,
        });
      }
    } finally {
      await server.stop();
    }
  }
  const columns = [
    'load',
    'messages/s',
    'while churned',
    'part',
    'CPU µs',
    'while churned',
    'changes/s',
    'CPU µs a change',
  ];
  printTable(
    `MQTT: publishing while a client subscribes and unsubscribes, medians of ${rounds}`,
    columns,
    rows,
  );
  return bars;
}
