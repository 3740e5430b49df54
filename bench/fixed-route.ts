import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ChildProgram } from '../test/helpers/child-program.ts';
import { recadoWords } from '../test/helpers/hub-process.ts';
import { runHubLoad, type HubLoadReport } from './load-tools.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

const CONNECTIONS = 64;
const MIN_RATIO = 0.6;
const MAX_P99_MS = 25;

const GATEWAY = `
http: { port: 0 }
routes:
  - route: POST /ping
    request: api/ping/request
    response: api/ping/response
    reply: { response: "$answer" }
`;
const agentConfig = (brokerPort: number, servicePort: number): string => `
broker: mqtt://127.0.0.1:${brokerPort}
routes:
  - request: api/ping/request
    response: api/ping/response
    call: POST http://127.0.0.1:${servicePort}/ping
    reply: { message: "$.message", received: "$request" }
`;

type Contender = {
  readonly name: string;
  readonly args: readonly string[];
  readonly reports: HubLoadReport[];
};

/** Takes a core for itself, as another program of the machine may. */
const BURN = 'for (;;);';

/**
 * HTTP → gateway → broker → agent → the service and back, against the same service behind one reverse proxy. The
 * contenders take turns; no program is bound to a core, but the load is, so both may use the whole machine. At the end
 * both are asked once more while another program takes a core for itself.
 */
export async function benchFixedRoute({
  rounds,
  seconds,
}: {
  rounds: number;
  seconds: number;
}): Promise<readonly Bar[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'recado-bench-'));
  const programs: ChildProgram[] = [];
  const start = (name: string, words: readonly string[]): ChildProgram => {
    const program = new ChildProgram(words, { name, cwd: folder });
    programs.push(program);
    return program;
  };
  const startScript = async (file: string, ...args: readonly string[]): Promise<readonly number[]> => {
    const program = start(file, [process.execPath, path.join(import.meta.dirname, file), ...args]);
    return (await program.waitForLine(/^ports? /)).split(' ').slice(1).map(Number);
  };
  try {
    await writeFile(path.join(folder, 'gateway.yaml'), GATEWAY);
    const [servicePort = 0] = await startScript('fixed-route-service.ts');
    const [proxyPort = 0] = await startScript('fixed-route-proxy.ts', String(servicePort));
    const [gatewayPort = 0, brokerPort = 0] = await startScript('fixed-route-gateway.ts', 'gateway.yaml');
    await writeFile(path.join(folder, 'agent.yaml'), agentConfig(brokerPort, servicePort));
    await startAgent(start);
    const contenders = [
      contender('reverse proxy (node:http)', proxyPort, seconds),
      contender('fixed route: gateway, broker, agent', gatewayPort, seconds),
    ];
    for (let round = 0; round < rounds; round++)
      for (const each of contenders) each.reports.push(await runChecked(each));
    start('a busy program', [process.execPath, '-e', BURN]);
    const busy = [
      contender('fixed route while a core is busy', gatewayPort, seconds),
      contender('reverse proxy while a core is busy', proxyPort, seconds),
    ];
    for (const each of busy) each.reports.push(await runChecked(each));
    return report([...contenders, ...busy]);
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function startAgent(start: (name: string, words: readonly string[]) => ChildProgram): Promise<void> {
  // Its log is on the standard error, where nobody waits for a line: the line of its readiness is on the other one.
  const agent = start('the agent', recadoWords('agent', '--config', 'agent.yaml', '--quiet'));
  const deadline = performance.now() + 10_000;
  while (!agent.errorText.includes('the agent answers on')) {
    if (performance.now() > deadline) throw new Error(`the agent did not start: ${agent.errorText}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function contender(name: string, port: number, seconds: number): Contender {
  const load = ['-c', String(CONNECTIONS), '-s', String(seconds), '-w', '2', '-p', String(port)];
  const request = ['-m', 'POST', '-u', '/ping', '-b', '{"ask":"ping"}', '-x', '"message":"pong"'];
  return { name, args: [...load, ...request], reports: [] };
}

async function runChecked({ name, args }: Contender): Promise<HubLoadReport> {
  const report = await runHubLoad(args);
  const wrong = report.wrongStatus + report.wrongBody + report.broken;
  if (wrong > 0)
    throw new Error(`${name}: ${wrong} calls of ${report.answers} went wrong, first: ${report.example}`);
  return report;
}

function report(contenders: readonly Contender[]): readonly Bar[] {
  const figures = contenders.map(({ name, reports }) => ({
    name,
    perSecond: median(reports.map((each) => each.perSecond)),
    p50Ms: median(reports.map((each) => each.p50Ms)),
    p99Ms: median(reports.map((each) => each.p99Ms)),
    maxMs: Math.max(...reports.map((each) => each.maxMs)),
  }));
  const [proxy, route, busy] = figures;
  const ratioOf = (perSecond = Number.NaN): number => perSecond / (proxy?.perSecond ?? Number.NaN);
  printTable(
    `Fixed routes: ${CONNECTIONS} HTTP connections, medians of ${contenders[0]?.reports.length} rounds`,
    ['way to the service', 'requests/s', 'of the proxy', 'p50 ms', 'p99 ms', 'max ms'],
    figures.map(({ name, perSecond, p50Ms, p99Ms, maxMs }) => [
      name,
      perSecond,
      ratioOf(perSecond),
      p50Ms,
      p99Ms,
      maxMs,
    ]),
  );
  const p99Bar = (figure: string, p99Ms = Number.NaN): Bar => ({
    figure,
    met: p99Ms <= MAX_P99_MS,
    measured: `${p99Ms.toFixed(1)} ms`,
    wanted: `${MAX_P99_MS} ms at most`,
  });
  return [
    {
      figure: 'fixed route, requests/s',
      met: ratioOf(route?.perSecond) >= MIN_RATIO,
      measured: `${(ratioOf(route?.perSecond) * 100).toFixed(0)} % of the reverse proxy`,
      wanted: `at least ${MIN_RATIO * 100} %`,
    },
    p99Bar('fixed route, p99', route?.p99Ms),
    p99Bar('fixed route, p99 while a core is busy', busy?.p99Ms),
  ];
}
