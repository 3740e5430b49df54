import path from 'node:path';
import { ChildProgram } from '../test/helpers/child-program.ts';
import { findFreePorts, startHubProcess, type HubProcess } from '../test/helpers/hub-process.ts';
import { until } from '../test/helpers/until.ts';
import {
  runHubLoad,
  SERVER_CORE,
  startUdpLoad,
  type HubLoadReport,
  type UdpLoadReport,
} from './load-tools.ts';
import type { Bar } from './bars.ts';
import { printTable } from './print-table.ts';
import { readCpuSeconds, readKernelDrops, readMetrics } from './servers/server-figures.ts';

const PER_SECOND = 100_000;
const MAX_COMMAND_P99_MS = 50;
const SETTLE_MS = 2000;
const COMMAND_DEVICES = 16;
const COMMANDS_PER_SECOND = 100;
/** Not one of the addresses of the devices that answer commands meanwhile. */
const SENSOR_ADDRESS = '127.0.0.250';

type Outcome = {
  readonly name: string;
  readonly sent: UdpLoadReport;
  readonly received: number;
  readonly kernelDrops: number;
  readonly cpuSeconds: number;
  readonly latest: string;
};

/** Datagrams of one sensor at a steady rate, parsed and kept as latest value, while commands go on beside them. */
export async function benchDatagrams({ seconds }: { seconds: number }): Promise<readonly Bar[]> {
  const bare = await measureBareSocket(seconds);
  const hub = await startHubProcess(await findFreePorts(), { launcher: SERVER_CORE });
  try {
    const { outcome, commands, dropped } = await measureHub(hub, seconds);
    return report(bare, { outcome, commands, dropped });
  } finally {
    await hub.stop();
  }
}

function sendArgs(ports: { tcp: number; udp: number }, seconds: number): string[] {
  return [
    '-t',
    String(ports.tcp),
    '-u',
    String(ports.udp),
    '-n',
    String(PER_SECOND * seconds),
    '-r',
    String(PER_SECOND),
  ];
}

async function measureBareSocket(seconds: number): Promise<Outcome> {
  const words = [...SERVER_CORE, process.execPath, path.join(import.meta.dirname, 'bare-udp.ts')];
  const program = new ChildProgram(words, { name: 'bare UDP socket' });
  try {
    const udp = Number((await program.waitForLine(/^port \d+$/)).slice(5));
    const cpuBefore = await readCpuSeconds(program.pid);
    const load = await startUdpLoad([...sendArgs({ tcp: 0, udp }, seconds), '-o'], seconds * 1000 + 30_000);
    await load.stop();
    const kernelDrops = await readKernelDrops(udp);
    program.endInput();
    const seen = JSON.parse(await program.waitForLine(/^\{/)) as {
      received: number;
      last: string;
      cpuSeconds: number;
    };
    const latest = /\d+°C/.exec(seen.last)?.[0] ?? 'none';
    const cpuSeconds = seen.cpuSeconds - cpuBefore;
    return {
      name: 'bare Node socket (reads nothing in them)',
      sent: load.report,
      received: seen.received,
      kernelDrops,
      cpuSeconds,
      latest,
    };
  } finally {
    await program.stop();
  }
}

async function measureHub(
  hub: HubProcess,
  seconds: number,
): Promise<{ outcome: Outcome; commands: HubLoadReport; dropped: readonly [string, number][] }> {
  const addresses = ['-d', String(COMMAND_DEVICES), '-a', String(COMMAND_DEVICES)];
  const ports = ['-t', String(hub.ports.tcp), '-p', String(hub.ports.http)];
  const calls = ['-c', '8', '-r', String(COMMANDS_PER_SECOND), '-x', '"Resposta":"ok"'];
  // Its warm-up covers the time in which the sensor connects; it measures while the datagrams come.
  const times = ['-w', '4', '-s', String(Math.max(1, seconds - 2))];
  const meanwhile = runHubLoad([...addresses, ...ports, ...calls, ...times]);
  const before = { metrics: await readMetrics(hub.url), cpu: await readCpuSeconds(hub.program.pid) };
  const load = await startUdpLoad(
    [...sendArgs(hub.ports, seconds), '-a', SENSOR_ADDRESS],
    seconds * 1000 + 30_000,
  );
  try {
    const commands = await meanwhile;
    const latest = await readSettledLatest(hub, load.report);
    const metrics = await readMetrics(hub.url);
    const grown = (name: string): number => (metrics.get(name) ?? 0) - (before.metrics.get(name) ?? 0);
    const dropped = [...metrics.keys()]
      .filter((name) => name.startsWith('recado_socket_datagrams_dropped'))
      .map((name): [string, number] => [name, grown(name)])
      .filter(([, count]) => count > 0);
    const outcome = {
      name: 'hub (parsed, kept as latest value)',
      sent: load.report,
      received: grown('recado_socket_datagrams_received_total'),
      kernelDrops: await readKernelDrops(hub.ports.udp),
      cpuSeconds: (await readCpuSeconds(hub.program.pid)) - before.cpu,
      latest,
    };
    return { outcome, commands, dropped };
  } finally {
    await load.stop();
  }
}

/** The latest value, once it is the last one sent, or once the hub has had time to read what waits in its buffer. */
async function readSettledLatest(hub: HubProcess, sent: UdpLoadReport): Promise<string> {
  const read = async (): Promise<string> => readLatest(hub, sent.id);
  const isLast = async (): Promise<boolean> => (await read()) === sent.lastText;
  await until('the last value', isLast, SETTLE_MS).catch(() => {}); // The report says which it is.
  return read();
}

async function readLatest(hub: HubProcess, deviceId: string): Promise<string> {
  const answer = await fetch(`${hub.url}/api/v1/devices/${deviceId}/telemetry`);
  const telemetry = (await answer.json()) as { readings: readonly { value: unknown; unit: string | null }[] };
  const reading = telemetry.readings[0];
  return reading === undefined ? 'none' : `${String(reading.value)}${reading.unit ?? ''}`;
}

function report(
  bare: Outcome,
  {
    outcome,
    commands,
    dropped,
  }: { outcome: Outcome; commands: HubLoadReport; dropped: readonly [string, number][] },
): readonly Bar[] {
  printTable(
    'Datagrams of one sensor',
    ['receiver', 'sent', 'per second', 'received', 'lost', 'by kernel', 'CPU µs each', 'latest'],
    [bare, outcome].map((each) => [
      each.name,
      each.sent.sent,
      each.sent.perSecond,
      each.received,
      each.sent.sent - each.received,
      each.kernelDrops,
      (each.cpuSeconds / each.sent.sent) * 1e6,
      each.latest === each.sent.lastText ? 'right' : `WRONG: ${each.latest}, not ${each.sent.lastText}`,
    ]),
  );
  printCommands(commands);
  for (const [name, count] of dropped) process.stdout.write(`  ${name}: ${count}\n`);
  const lost = outcome.sent.sent - outcome.received;
  const { perSecond, lastText } = outcome.sent;
  return [
    {
      figure: 'rate',
      met: perSecond >= PER_SECOND * 0.99,
      measured: `${perSecond}/s`,
      wanted: `${PER_SECOND}/s`,
    },
    { figure: 'lost', met: lost === 0 && dropped.length === 0, measured: String(lost), wanted: 'none' },
    { figure: 'latest value', met: outcome.latest === lastText, measured: outcome.latest, wanted: lastText },
    {
      figure: 'commands meanwhile, p99',
      met: commands.p99Ms < MAX_COMMAND_P99_MS && countWrong(commands) === 0,
      measured: `${commands.p99Ms.toFixed(1)} ms`,
      wanted: `under ${MAX_COMMAND_P99_MS} ms`,
    },
  ];
}

function printCommands(commands: HubLoadReport): void {
  const { answers, p50Ms, p99Ms, maxMs, keepAlives, gapP99Ms, gapMaxMs, lost } = commands;
  printTable(
    `Meanwhile: ${COMMANDS_PER_SECOND} commands/s to ${COMMAND_DEVICES} devices`,
    [
      'commands',
      'p50 ms',
      'p99 ms',
      'max ms',
      'wrong',
      'keep-alives',
      'gap p99 ms',
      'gap max ms',
      'devices lost',
    ],
    [[answers, p50Ms, p99Ms, maxMs, countWrong(commands), keepAlives, gapP99Ms, gapMaxMs, lost]],
  );
}

function countWrong({ wrongStatus, wrongBody, broken }: HubLoadReport): number {
  return wrongStatus + wrongBody + broken;
}
