import path from 'node:path';
import { ChildProgram } from '../test/helpers/child-program.ts';
import { findFreePorts, startHubProcess } from '../test/helpers/hub-process.ts';
import { runHubLoad, SERVER_CORE, type HubLoadReport } from './load-tools.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

const CONNECTIONS = 64;
const DEVICES = 64;
const MIN_RATIO = 0.6;
const MAX_P99_MS = 4;

type Contender = {
  readonly name: string;
  readonly args: readonly string[];
  readonly reports: HubLoadReport[];
  /** The bare route that takes the same kind of request; the bare routes have none. */
  readonly heldAgainst: string | undefined;
};

const BARE = 'bare Fastify route';
const BARE_JSON = 'bare Fastify route with a JSON body';

function contender(name: string, args: readonly string[], heldAgainst?: string): Contender {
  return { name, args, reports: [], heldAgainst };
}

/**
 * One HTTP call → one TCP device → its answer in the same call, as fast as it goes, against a bare Fastify route in the
 * same run. Contenders take turns, so that a slow moment of the machine meets all of them.
 */
export async function benchCommands({
  rounds,
  seconds,
}: {
  rounds: number;
  seconds: number;
}): Promise<readonly Bar[]> {
  const bare = await startBareFastify();
  const hub = await startHubProcess(await findFreePorts(), { launcher: SERVER_CORE });
  try {
    const load = ['-c', String(CONNECTIONS), '-s', String(seconds), '-w', '1'];
    const devices = ['-d', String(DEVICES), '-a', String(DEVICES), '-t', String(hub.ports.tcp)];
    const toHub = [...load, ...devices, '-p', String(hub.ports.http), '-S', String(hub.program.pid)];
    const toBare = [...load, '-p', String(bare.port), '-S', String(bare.program.pid)];
    const v1 = [...toHub, '-u', '/api/v1/devices/%s/commands/ligar', '-x', '"output":"ok"'];
    const contenders = [
      contender(BARE, [...toBare, '-u', '/devices/DE%d/commands/1', '-x', '"ok"']),
      contender(BARE_JSON, [...toBare, '-u', '/json/DE%d/commands/ligar', '-b', '{}', '-x', '"ok"']),
      contender(
        'POST /devices/{id}/commands/1',
        [...toHub, '-u', '/devices/%s/commands/1', '-x', '"Resposta":"ok"'],
        BARE,
      ),
      contender('POST /api/v1/devices/{id}/commands/ligar', v1, BARE),
      contender('the same with a JSON body', [...v1, '-b', '{}'], BARE_JSON),
    ];
    // Unmeasured: the first seconds of a server are its compiler's.
    for (const contender of contenders) await runChecked(contender);
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) contender.reports.push(await runChecked(contender));
    }
    return report(contenders);
  } finally {
    await hub.stop();
    await bare.program.stop();
  }
}

/** The route that commands are held against. */
export async function startBareFastify(): Promise<{ program: ChildProgram; port: number }> {
  const words = [...SERVER_CORE, process.execPath, path.join(import.meta.dirname, 'bare-fastify.ts')];
  const program = new ChildProgram(words, { name: 'bare Fastify' });
  const line = await program.waitForLine(/^port \d+$/);
  return { program, port: Number(line.slice(5)) };
}

async function runChecked(contender: Contender): Promise<HubLoadReport> {
  const report = await runHubLoad(contender.args);
  const wrong = report.wrongStatus + report.wrongBody + report.broken;
  if (wrong > 0)
    throw new Error(
      `${contender.name}: ${wrong} calls of ${report.answers} went wrong, first: ${report.example}`,
    );
  if ((report.glued ?? 0) + (report.unread ?? 0) > 0)
    throw new Error(`${contender.name}: a device was sent two messages at once`);
  return report;
}

function report(contenders: readonly Contender[]): readonly Bar[] {
  const figures = contenders.map(({ name, reports, heldAgainst }) => ({
    name,
    heldAgainst,
    perSecond: median(reports.map((each) => each.perSecond)),
    p50Ms: median(reports.map((each) => each.p50Ms)),
    p99Ms: median(reports.map((each) => each.p99Ms)),
    maxMs: Math.max(...reports.map((each) => each.maxMs)),
    cpuUs: median(reports.map((each) => (each.cpuSeconds / each.answers) * 1e6)),
  }));
  const ratioOf = (figure: (typeof figures)[number]): number => {
    const peer = figures.find((each) => each.name === (figure.heldAgainst ?? figure.name));
    return figure.perSecond / (peer?.perSecond ?? Number.NaN);
  };
  printTable(
    `Commands: ${CONNECTIONS} HTTP connections, ${DEVICES} devices, medians of ${contenders[0]?.reports.length} rounds`,
    ['route', 'calls/s', 'of bare', 'p50 ms', 'p99 ms', 'max ms', 'server CPU µs/call'],
    figures.map((each) => [
      each.name,
      each.perSecond,
      ratioOf(each),
      each.p50Ms,
      each.p99Ms,
      each.maxMs,
      each.cpuUs,
    ]),
  );
  return figures
    .filter((each) => each.heldAgainst !== undefined)
    .flatMap((each) => [
      {
        figure: `${each.name}, calls/s`,
        met: ratioOf(each) >= MIN_RATIO,
        measured: `${(ratioOf(each) * 100).toFixed(0)} % of the ${each.heldAgainst}`,
        wanted: `at least ${MIN_RATIO * 100} %`,
      },
      {
        figure: `${each.name}, p99`,
        met: each.p99Ms <= MAX_P99_MS,
        measured: `${each.p99Ms.toFixed(1)} ms`,
        wanted: `at most ${MAX_P99_MS} ms`,
      },
    ]);
}
