import { runMqttLoad, type MqttLoadReport } from './load-tools.ts';
import {
  findMosquitto,
  startAedes,
  startMosquitto,
  startRecado,
  type BrokerServer,
} from './mqtt-broker-servers.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

type Workload = {
  readonly name: string;
  readonly args: readonly string[];
  /** Published in one run by a fast broker, and by a slow one: one to three seconds each. */
  readonly messages: number;
  readonly messagesWhenSlow: number;
  /** The most that Recado may cost for a delivery; undefined when only its rate counts. */
  readonly maxCpuUs: number | undefined;
};

const WORKLOADS: readonly Workload[] = [
  {
    name: 'QoS 0, 1→1, window 100',
    args: [],
    messages: 1_000_000,
    messagesWhenSlow: 150_000,
    maxCpuUs: undefined,
  },
  {
    name: 'QoS 0, 1→1, window 1000',
    args: ['-w', '1000'],
    messages: 2_000_000,
    messagesWhenSlow: 150_000,
    maxCpuUs: 0.54,
  },
  {
    name: 'QoS 0, fan-out 1→100',
    args: ['-s', '100'],
    messages: 20_000,
    messagesWhenSlow: 2000,
    maxCpuUs: 0.38,
  },
  {
    name: 'QoS 0, fan-in 50→1',
    args: ['-p', '50', '-w', '2000'],
    messages: 1_000_000,
    messagesWhenSlow: 150_000,
    maxCpuUs: 1.4,
  },
  { name: 'QoS 1, 1→1', args: ['-q', '1'], messages: 500_000, messagesWhenSlow: 80_000, maxCpuUs: 1.25 },
  { name: 'QoS 2, 1→1', args: ['-q', '2'], messages: 300_000, messagesWhenSlow: 40_000, maxCpuUs: 2.4 },
];

/** One line of each workload: a broker, and how it is spoken to. */
type Contender = {
  readonly name: string;
  readonly server: BrokerServer | undefined;
  readonly args: readonly string[];
  readonly isSlow: boolean;
  /** Workload's name → what each round measured. */
  readonly reports: Map<string, MqttLoadReport[]>;
};

const RECADO = 'Recado';
const RECADO_MQTT5 = 'Recado, MQTT 5';
const RECADO_ACL = 'Recado, 100 ACL rules';
const MOSQUITTO = 'Mosquitto';
const AEDES = 'Aedes';

/** How many times faster Recado has to be. */
const MIN_RATIOS: Readonly<Record<string, number>> = { [MOSQUITTO]: 10, [AEDES]: 8 };
/** Which part of Recado's plain rate has to be left. */
const MIN_PARTS: Readonly<Record<string, number>> = { [RECADO_MQTT5]: 0.9, [RECADO_ACL]: 0.85 };

/**
 * Messages through Recado's broker and through others, in one run: each workload goes round the brokers several times,
 * so that a slow moment of the machine meets all of them. One that does not start, or fails, is told of and left out.
 */
export async function benchMqttBrokers({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const servers: BrokerServer[] = [];
  try {
    const contenders = await startContenders(servers);
    for (const workload of WORKLOADS) await runWorkload(workload, { contenders, rounds });
    report(contenders, rounds);
    return WORKLOADS.flatMap((workload) => judge(workload, contenders));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function startContenders(servers: BrokerServer[]): Promise<readonly Contender[]> {
  const startOrTell = async (
    name: string,
    start: () => Promise<BrokerServer>,
  ): Promise<BrokerServer | undefined> => {
    try {
      const server = await start();
      servers.push(server);
      return server;
    } catch (error) {
      tell(`${name} does not take part`, error);
      return undefined;
    }
  };
  const recado = await startOrTell(RECADO, startRecado);
  const recadoWithAcl = await startOrTell(RECADO_ACL, () => startRecado({ hasAcl: true }));
  const mosquitto = await startOrTell(MOSQUITTO, startMosquitto);
  const mosquittoAsIs =
    mosquitto && (await startOrTell(MOSQUITTO, () => startMosquitto({ delaysSmallPackets: true })));
  const aedes = await startOrTell(AEDES, startAedes);
  const contender = (
    name: string,
    server: BrokerServer | undefined,
    { args = ['-v', '4'], isSlow = false }: { args?: readonly string[]; isSlow?: boolean } = {},
  ): Contender => ({ name, server, args, isSlow, reports: new Map() });
  return [
    contender(RECADO, recado),
    contender(RECADO_MQTT5, recado, { args: ['-v', '5'] }),
    contender(RECADO_ACL, recadoWithAcl),
    contender(MOSQUITTO, mosquitto, { isSlow: true }),
    contender(`${MOSQUITTO}, Nagle`, mosquittoAsIs, { isSlow: true }),
    contender(AEDES, aedes, { isSlow: true }),
  ];
}

function tell(what: string, error: unknown): void {
  process.stdout.write(`  ${what}: ${error instanceof Error ? error.message : String(error)}\n`);
}

async function runWorkload(
  workload: Workload,
  { contenders, rounds }: { contenders: readonly Contender[]; rounds: number },
): Promise<void> {
  // One round more than is counted: the first seconds of a server are its compiler's.
  let left = contenders.filter((each) => each.server !== undefined);
  for (let round = 0; round <= rounds; round++) {
    for (const contender of left) {
      try {
        const report = await runOnce(workload, contender);
        const reports = contender.reports.get(workload.name) ?? [];
        if (round > 0) contender.reports.set(workload.name, [...reports, report]);
      } catch (error) {
        left = left.filter((each) => each !== contender);
        contender.reports.delete(workload.name);
        tell(`${contender.name} failed at ${workload.name}`, error);
      }
    }
  }
}

function runOnce(workload: Workload, { server, args, isSlow }: Contender): Promise<MqttLoadReport> {
  if (server === undefined || server.program.hasExited) throw new Error('its process has ended');
  const messages = isSlow ? workload.messagesWhenSlow : workload.messages;
  const target = ['-P', String(server.port), '-S', String(server.program.pid)];
  return runMqttLoad<MqttLoadReport>([...target, ...args, ...workload.args, '-n', String(messages)]);
}

type Figures = {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly loadCpuPercent: number;
};

/** Medians over the rounds; undefined when the contender did not come through the workload. */
function figuresOf(contenders: readonly Contender[], name: string, workload: Workload): Figures | undefined {
  const reports = contenders.find((each) => each.name === name)?.reports.get(workload.name);
  if (reports === undefined) return undefined;
  return {
    perSecond: median(reports.map((each) => each.perSecond)),
    cpuUs: median(reports.map((each) => each.cpuUsPerMessage)),
    p50Us: median(reports.map((each) => each.p50Us)),
    p99Us: median(reports.map((each) => each.p99Us)),
    loadCpuPercent: median(reports.map((each) => each.loadCpuPercent)),
  };
}

function report(contenders: readonly Contender[], rounds: number): void {
  const rows = WORKLOADS.flatMap((workload) => {
    const recado = figuresOf(contenders, RECADO, workload);
    return contenders.flatMap(({ name }) => {
      const figures = figuresOf(contenders, name, workload);
      if (figures === undefined) return [];
      const { perSecond, cpuUs, p50Us, p99Us, loadCpuPercent } = figures;
      const ratios = recado === undefined ? [] : [recado.perSecond / perSecond, cpuUs / recado.cpuUs];
      return [[workload.name, name, perSecond, cpuUs, p50Us, p99Us, loadCpuPercent, ...ratios]];
    });
  });
  const hasRecado = rows.some((row) => row[1] === RECADO);
  printTable(
    `MQTT: 64-byte messages through each broker, medians of ${rounds} rounds`,
    [
      'workload',
      'broker',
      'messages/s',
      'CPU µs each',
      'p50 µs',
      'p99 µs',
      'load CPU %',
      ...(hasRecado ? ['Recado is faster ×', 'and takes less CPU ×'] : []),
    ],
    rows,
  );
}

/** The bars of one workload. What Recado was not measured at counts as missed; a peer that is not there, not. */
function judge(workload: Workload, contenders: readonly Contender[]): readonly Bar[] {
  const recado = figuresOf(contenders, RECADO, workload);
  if (recado === undefined)
    return [
      { figure: workload.name, met: false, measured: 'not measured', wanted: `the figures of ${RECADO}` },
    ];
  const bars: Bar[] = [];
  for (const [peer, minRatio] of Object.entries(MIN_RATIOS)) {
    const peerFigures = figuresOf(contenders, peer, workload);
    if (peerFigures === undefined && peer === MOSQUITTO && findMosquitto() === undefined) continue;
    const ratio = peerFigures ? recado.perSecond / peerFigures.perSecond : undefined;
    bars.push({
      figure: `${workload.name}, rate`,
      met: ratio !== undefined && ratio >= minRatio,
      measured: ratio === undefined ? 'not measured' : `${ratio.toFixed(1)} times ${peer}`,
      wanted: `at least ${minRatio} times ${peer}`,
    });
  }
  if (workload.maxCpuUs !== undefined) {
    bars.push({
      figure: `${workload.name}, CPU of a delivery`,
      met: recado.cpuUs <= workload.maxCpuUs,
      measured: `${recado.cpuUs.toFixed(2)} µs`,
      wanted: `at most ${workload.maxCpuUs} µs`,
    });
  }
  for (const [variant, minPart] of Object.entries(MIN_PARTS)) {
    const variantFigures = figuresOf(contenders, variant, workload);
    const part = variantFigures ? variantFigures.perSecond / recado.perSecond : undefined;
    bars.push({
      figure: `${workload.name}, ${variant}`,
      met: part !== undefined && part >= minPart,
      measured: part === undefined ? 'not measured' : `${(part * 100).toFixed(0)} % of the plain rate`,
      wanted: `at least ${minPart * 100} %`,
    });
  }
  return bars;
}
