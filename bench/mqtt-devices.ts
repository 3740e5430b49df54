import path from 'node:path';
import { ChildProgram } from '../test/helpers/child-program.ts';
import { findFreeTcpPort } from '../test/helpers/free-ports.ts';
import { findFreePorts, startHubProcess, type HubProcess } from '../test/helpers/hub-process.ts';
import { Mosquitto, whyNoMosquitto } from '../test/helpers/mosquitto.ts';
import { startBareFastify } from './command-round-trip.ts';
import { LOAD_CORE, runHubLoad, SERVER_CORE, type HubLoadReport } from './load-tools.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

const CALLERS = 64;
const MIN_RATIO = 0.5;
const EXTERNAL_PER_SECOND = 5000;
const MAX_EXTERNAL_P99_MS = 10;
const FLEET = 10_000;
/** Devices of one connection: a hub leaves each listener a part of the descriptors that a process may have. */
const FLEET_EACH = 4;
const MAX_FLEET_SECONDS = 10;
const MAX_PAGE_MS = 20;
const MAX_RSS_MIB = 400;
const PAGES = 20;
const COMMAND = ['-u', '/api/v1/devices/%s/commands/ligar', '-x', '"output":"ok"', '-i', '/devices'];

/**
 * One HTTP call → one device over MQTT → its answer in the same call: on the hub's own broker as fast as it goes,
 * against a bare Fastify route in the same run; on a Mosquitto at a rate. Then how soon 10,000 devices are there.
 */
export async function benchMqttDevices(options: {
  rounds: number;
  seconds: number;
}): Promise<readonly Bar[]> {
  return [...(await embedded(options)), ...(await external(options)), ...(await fleet())];
}

/** Devices on the load's core, all of them heard. */
async function startDevices(port: number, count: number, each = 1): Promise<ChildProgram> {
  const file = path.join(import.meta.dirname, 'mqtt-device-peer.ts');
  const words = [
    ...LOAD_CORE,
    process.execPath,
    file,
    '--port',
    String(port),
    '--count',
    String(count),
    '--each',
    String(each),
  ];
  const program = new ChildProgram(words, { name: 'the devices' });
  await program.waitForLine(/^ready$/);
  return program;
}

async function startHub(settings: Record<string, string>): Promise<HubProcess> {
  return startHubProcess(await findFreePorts(), { launcher: SERVER_CORE, settings });
}

async function runChecked(args: readonly string[]): Promise<HubLoadReport> {
  const report = await runHubLoad(args);
  const wrong = report.wrongStatus + report.wrongBody + report.broken;
  if (wrong > 0) throw new Error(`${wrong} calls of ${report.answers} went wrong, first: ${report.example}`);
  return report;
}

async function embedded({ rounds, seconds }: { rounds: number; seconds: number }): Promise<readonly Bar[]> {
  const bare = await startBareFastify();
  const port = await findFreeTcpPort();
  const hub = await startHub({ RECADO_MQTT_PORT: String(port) });
  const devices = await startDevices(port, CALLERS);
  try {
    const load = ['-c', String(CALLERS), '-s', String(seconds), '-w', '1'];
    const toBare = [...load, '-p', String(bare.port), '-S', String(bare.program.pid)];
    const contenders = [
      { name: 'bare Fastify route', args: [...toBare, '-u', '/devices/DE%d/commands/1', '-x', '"ok"'] },
      {
        name: 'a command to a device over MQTT',
        args: [...load, '-p', String(hub.ports.http), '-S', String(hub.program.pid), ...COMMAND],
      },
    ].map((each) => ({ ...each, reports: [] as HubLoadReport[] }));
    // Unmeasured: the first seconds of a server are its compiler's.
    for (const { args } of contenders) await runChecked(args);
    for (let round = 0; round < rounds; round++)
      for (const { args, reports } of contenders) reports.push(await runChecked(args));
    const rows = contenders.map(({ name, reports }) => ({
      name,
      perSecond: median(reports.map((each) => each.perSecond)),
      p99Ms: median(reports.map((each) => each.p99Ms)),
      cpuUs: median(reports.map((each) => (each.cpuSeconds / each.answers) * 1e6)),
    }));
    const ratio = rows[1]!.perSecond / rows[0]!.perSecond;
    printTable(
      `Commands to devices over MQTT: ${CALLERS} callers, ${CALLERS} devices, the hub's own broker`,
      ['route', 'calls/s', 'of bare', 'p99 ms', 'server CPU µs/call'],
      rows.map(({ name, perSecond, p99Ms, cpuUs }) => [
        name,
        perSecond,
        perSecond / rows[0]!.perSecond,
        p99Ms,
        cpuUs,
      ]),
    );
    return [
      {
        figure: 'a command to a device over MQTT and back, calls/s',
        met: ratio >= MIN_RATIO,
        measured: `${(ratio * 100).toFixed(0)} % of the bare Fastify route`,
        wanted: `at least ${MIN_RATIO * 100} %`,
      },
    ];
  } finally {
    await devices.stop();
    await hub.stop();
    await bare.program.stop();
  }
}

async function external({ rounds, seconds }: { rounds: number; seconds: number }): Promise<readonly Bar[]> {
  const figure = `a command by a Mosquitto at ${EXTERNAL_PER_SECOND}/s, p99`;
  const wanted = `below ${MAX_EXTERNAL_P99_MS} ms`;
  const missing = whyNoMosquitto();
  if (missing !== false) return [{ figure, met: undefined, measured: missing, wanted }];
  const mosquitto = await new Mosquitto({
    settings: [
      'allow_anonymous true',
      'set_tcp_nodelay true',
      'max_inflight_messages 0',
      'max_queued_messages 0',
    ],
  }).start();
  const hub = await startHub({ RECADO_MQTT_EXTERNAL: mosquitto.url });
  const devices = await startDevices(mosquitto.port, CALLERS);
  try {
    const load = ['-c', String(CALLERS), '-s', String(seconds), '-w', '1', '-r', String(EXTERNAL_PER_SECOND)];
    const args = [...load, '-p', String(hub.ports.http), '-S', String(hub.program.pid), ...COMMAND];
    await runChecked(args);
    const reports: HubLoadReport[] = [];
    for (let round = 0; round < rounds; round++) reports.push(await runChecked(args));
    const p99Ms = median(reports.map((each) => each.p99Ms));
    const perSecond = median(reports.map((each) => each.perSecond));
    printTable(
      'Commands to devices over MQTT by a Mosquitto',
      ['calls/s', 'p50 ms', 'p99 ms', 'hub CPU %'],
      [
        [
          perSecond,
          median(reports.map((each) => each.p50Ms)),
          p99Ms,
          median(reports.map((each) => each.cpuPercent)),
        ],
      ],
    );
    const isAtRate = perSecond > EXTERNAL_PER_SECOND * 0.98;
    const measured = `${p99Ms.toFixed(1)} ms at ${perSecond.toFixed(0)}/s`;
    return [{ figure, met: isAtRate && p99Ms < MAX_EXTERNAL_P99_MS, measured, wanted }];
  } finally {
    await devices.stop();
    await hub.stop();
    await mosquitto.remove();
  }
}

async function fleet(): Promise<readonly Bar[]> {
  const port = await findFreeTcpPort();
  const hub = await startHub({ RECADO_MQTT_PORT: String(port) });
  const begun = performance.now();
  const devices = await startDevices(port, FLEET, FLEET_EACH);
  try {
    const list = async (): Promise<{ total: number; ms: number }> => {
      const at = performance.now();
      const answer = await fetch(`${hub.url}/api/v1/devices?status=online&limit=100`);
      const { total } = (await answer.json()) as { total: number };
      return { total, ms: performance.now() - at };
    };
    let { total } = await list();
    while (total < FLEET) ({ total } = await list());
    const seconds = (performance.now() - begun) / 1000;
    const pages: number[] = [];
    for (let page = 0; page < PAGES; page++) pages.push((await list()).ms);
    const idle = ['-s', '1', '-w', '0', '-S', String(hub.program.pid), '-p', String(hub.ports.http)];
    const { rssKib } = await runHubLoad(idle);
    const [pageMs, rssMib] = [median(pages), rssKib / 1024];
    printTable(
      `Fleet over MQTT: ${FLEET} devices, ${FLEET_EACH} a connection`,
      ['all there after s', 'page of 100, ms', 'slowest, ms', 'RSS MiB'],
      [[seconds, pageMs, Math.max(...pages), rssMib]],
    );
    return [
      {
        figure: `${FLEET} devices over MQTT, ${FLEET_EACH} a connection, connect, describe, are listed`,
        met: seconds < MAX_FLEET_SECONDS,
        measured: `${seconds.toFixed(1)} s`,
        wanted: `below ${MAX_FLEET_SECONDS} s`,
      },
      {
        figure: 'a page of their list',
        met: pageMs < MAX_PAGE_MS,
        measured: `${pageMs.toFixed(1)} ms`,
        wanted: `below ${MAX_PAGE_MS} ms`,
      },
      {
        figure: 'memory of the hub with them',
        met: rssMib <= MAX_RSS_MIB,
        measured: `${rssMib.toFixed(0)} MiB`,
        wanted: `at most ${MAX_RSS_MIB} MiB`,
      },
    ];
  } finally {
    await devices.stop();
    await hub.stop();
  }
}
