import { runMqttLoad, type MqttLoadReport } from './load-tools.ts';
import { median, printTable } from './print-table.ts';
import { NotInstalledError, type BrokerServer } from './servers/broker-server.ts';

/** One way to load a broker: words for `mqttload`. */
export type Workload = {
  readonly name: string;
  readonly args: readonly string[];
  /** Published in one run by a fast broker, and by a slow one: rates are compared, and each run takes a second or so. */
  readonly messages: number;
  readonly messagesWhenSlow: number;
  /** Names of those who do not take part. */
  readonly without?: readonly string[];
};

/** Who takes part. Contenders with the same `start` share one server. */
export type Contender = {
  readonly name: string;
  readonly start: () => Promise<BrokerServer>;
  readonly args?: readonly string[];
  readonly isSlow?: boolean;
};

/** Medians over the rounds. */
export type Figures = {
  readonly perSecond: number;
  readonly seconds: number;
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly loadCpuPercent: number;
};

export type ContestResult = {
  /** Undefined when the contender did not come through the workload. */
  figuresOf(contender: string, workload: Workload): Figures | undefined;
  /** Why a contender was not there at all because it is not installed; undefined when it was, or should have been. */
  absenceOf(contender: string): string | undefined;
};

type Entry = Contender & {
  readonly server: BrokerServer | undefined;
  /** Workload's name → what each round measured. */
  readonly reports: Map<string, MqttLoadReport[]>;
};

/**
 * Runs every workload round the contenders, several times, so that a slow moment of the machine meets all of them.
 * One that does not start, or fails, is told of and left out.
 */
export async function runContest({
  workloads,
  contenders,
  rounds,
}: {
  readonly workloads: readonly Workload[];
  readonly contenders: readonly Contender[];
  readonly rounds: number;
}): Promise<ContestResult> {
  const servers = new Map<Contender['start'], BrokerServer | undefined>();
  const absences = new Map<string, string>();
  try {
    for (const { name, start } of contenders) {
      if (servers.has(start)) continue;
      const server = await start().catch((error: unknown) => {
        tell(`${name} does not take part`, error);
        if (error instanceof NotInstalledError) absences.set(name, error.message);
        return undefined;
      });
      servers.set(start, server);
    }
    const entries = contenders.map((each): Entry => ({
      ...each,
      server: servers.get(each.start),
      reports: new Map(),
    }));
    for (const workload of workloads) await runWorkload(workload, { entries, rounds });
    return {
      figuresOf: (name, workload) =>
        medians(
          entries.find((each) => each.name === name),
          workload,
        ),
      absenceOf: (name) => absences.get(name),
    };
  } finally {
    for (const server of servers.values()) await server?.stop();
  }
}

function tell(what: string, error: unknown): void {
  process.stdout.write(`  ${what}: ${error instanceof Error ? error.message : String(error)}\n`);
}

async function runWorkload(
  workload: Workload,
  { entries, rounds }: { entries: readonly Entry[]; rounds: number },
): Promise<void> {
  const { name, without = [] } = workload;
  let left = entries.filter((each) => each.server !== undefined && !without.includes(each.name));
  // One round more than is counted: the first seconds of a server are its compiler's.
  for (let round = 0; round <= rounds; round++) {
    for (const entry of left) {
      try {
        const report = await runOnce(workload, entry);
        if (round > 0) entry.reports.set(name, [...(entry.reports.get(name) ?? []), report]);
      } catch (error) {
        left = left.filter((each) => each !== entry);
        entry.reports.delete(name);
        tell(`${entry.name} failed at ${name}`, error);
      }
    }
  }
}

function runOnce(workload: Workload, { server, args = [], isSlow }: Entry): Promise<MqttLoadReport> {
  if (server === undefined || server.program.hasExited) throw new Error('its process has ended');
  const messages = isSlow === true ? workload.messagesWhenSlow : workload.messages;
  return runMqttLoad<MqttLoadReport>([
    ...targetOf(server),
    ...args,
    ...workload.args,
    '-n',
    String(messages),
  ]);
}

/** The words that tell `mqttload` which broker it loads. */
export function targetOf(server: BrokerServer): readonly string[] {
  return ['-P', String(server.port), '-S', String(server.program.pid)];
}

function medians(entry: Entry | undefined, workload: Workload): Figures | undefined {
  const reports = entry?.reports.get(workload.name);
  if (reports === undefined) return undefined;
  const of = (read: (report: MqttLoadReport) => number): number => median(reports.map(read));
  return {
    perSecond: of((each) => each.perSecond),
    seconds: of((each) => each.seconds),
    cpuUs: of((each) => each.cpuUsPerMessage),
    p50Us: of((each) => each.p50Us),
    p99Us: of((each) => each.p99Us),
    p999Us: of((each) => each.p999Us),
    loadCpuPercent: of((each) => each.loadCpuPercent),
  };
}

const COLUMNS = [
  'workload',
  'broker',
  'messages/s',
  'CPU µs each',
  'p50 µs',
  'p99 µs',
  'p99.9 µs',
  'load CPU %',
] as const;

/** Prints what each contender did in each workload; the last column is its CPU for a message, against the first one's. */
export function printContest(
  title: string,
  result: ContestResult,
  { workloads, contenders }: { workloads: readonly Workload[]; contenders: readonly Contender[] },
): void {
  const [first] = contenders;
  const rows = workloads.flatMap((workload) => {
    const own = first && result.figuresOf(first.name, workload);
    return contenders.flatMap(({ name }) => {
      const figures = result.figuresOf(name, workload);
      if (figures === undefined) return [];
      const { perSecond, cpuUs, p50Us, p99Us, p999Us, loadCpuPercent } = figures;
      const ratio = own === undefined ? '' : cpuUs / own.cpuUs;
      return [[workload.name, name, perSecond, cpuUs, p50Us, p99Us, p999Us, loadCpuPercent, ratio]];
    });
  });
  printTable(title, [...COLUMNS, `CPU × ${first?.name}`], rows);
}
