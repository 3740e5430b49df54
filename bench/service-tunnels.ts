import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ChildProgram } from '../test/helpers/child-program.ts';
import { openServiceProcesses, type ServiceProcesses } from '../test/helpers/services-processes.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';
import { findProgram, NotInstalledError } from './servers/broker-server.ts';
import { buildRecado } from './servers/built-recado.ts';
import { startMosquitto } from './servers/mosquitto.ts';
import { startNginxTarget } from './servers/nginx-target.ts';
import { readCpuSeconds, readMemoryMib } from './servers/server-figures.ts';
import { startSshTunnel } from './servers/ssh-tunnel.ts';

const run = promisify(execFile);
const LARGE_BYTES = 512 * 1024 * 1024;
const CALLERS = 64;
const PROXY = fileURLToPath(new URL('undici-proxy.ts', import.meta.url));
const MIB = 1024 * 1024;

/** One way to the service, and what was measured of it, a figure for each round. */
type Way = {
  readonly name: string;
  readonly url: string;
  /** Whose CPU is told. */
  readonly pids: readonly number[];
  readonly perSecond: number[];
  readonly p99Ms: number[];
  readonly cpuUs: number[];
  readonly downMb: number[];
  readonly upMb: number[];
};

type Stop = () => Promise<void>;

/**
 * Small answers and 512 MiB each way from nginx, by wrk and curl: through a service, through the two smallest programs of
 * Node that do the same, and through `ssh -R`. They take turns.
 */
export async function benchServiceTunnels({
  rounds,
  seconds,
}: {
  rounds: number;
  seconds: number;
}): Promise<readonly Bar[]> {
  const stops: Stop[] = [];
  try {
    const recado = await buildRecado();
    const target = await startNginxTarget(LARGE_BYTES);
    stops.push(() => target.stop());
    const processes = await openServiceProcesses({ recado, targetUrl: target.url });
    stops.push(() => processes.stop());
    const own = await openWay('recado', processes);
    const idle = await memoryOf(own);
    const bound = await openBound(target.url, stops);
    const tunnel = await startSshTunnel(Number(new URL(target.url).port));
    stops.push(() => tunnel.stop());
    const ways = [own, bound, makeWay('ssh -R', tunnel.url, [])];
    // Compilers rest, buffers are there.
    for (const { url } of ways) await runWrk(`${url}/small`, seconds);
    for (let round = 0; round < rounds; round++) for (const way of ways) await measure(way, seconds);
    const grown = (await memoryOf(own)).map((mib, index) => mib - (idle[index] ?? 0));
    const other = await measureOverMosquitto({ recado, targetUrl: target.url, seconds }, stops);
    return report(ways, { grown, other });
  } catch (error) {
    if (!(error instanceof NotInstalledError)) throw error;
    return [
      { figure: 'services beside ssh -R', met: undefined, measured: error.message, wanted: 'measured' },
    ];
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function openWay(name: string, processes: ServiceProcesses): Promise<Way> {
  const agent = processes.startAgent('bench');
  await processes.waitForAgents(1);
  return makeWay(name, processes.url, [processes.hub.program.pid, agent.pid]);
}

async function openBound(targetUrl: string, stops: Stop[]): Promise<Way> {
  const pids: number[] = [];
  let url = targetUrl;
  for (const name of ['back', 'front']) {
    const program = new ChildProgram([process.execPath, PROXY, url], { name });
    stops.push(() => program.stop());
    url = `http://127.0.0.1:${(await program.waitForLine(/^port \d+$/)).slice(5)}`;
    pids.push(program.pid);
  }
  return makeWay('two Node proxies', url, pids);
}

function makeWay(name: string, url: string, pids: readonly number[]): Way {
  return { name, url, pids, perSecond: [], p99Ms: [], cpuUs: [], downMb: [], upMb: [] };
}

async function measure(way: Way, seconds: number): Promise<void> {
  const before = await cpuOf(way);
  const { perSecond, p99Ms, requests } = await runWrk(`${way.url}/small`, seconds);
  way.cpuUs.push((((await cpuOf(way)) - before) / requests) * 1e6);
  way.perSecond.push(perSecond);
  way.p99Ms.push(p99Ms);
  way.downMb.push((await runCurl('speed_download', [`${way.url}/large`])) / 1e6);
  const upload = ['-T', `/dev/stdin`, '-H', 'Expect:', `${way.url}/taken`];
  way.upMb.push((await runCurl('speed_upload', upload)) / 1e6);
}

/** How many requests a second, and what they took at most but one in a hundred. */
async function runWrk(
  url: string,
  seconds: number,
): Promise<{ perSecond: number; p99Ms: number; requests: number }> {
  const wrk = findProgram('wrk', 'WRK');
  const { stdout } = await run(wrk, ['-t1', `-c${CALLERS}`, `-d${seconds}`, '--latency', url]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests failed: ${stdout}`);
  const [, perSecond = '0'] = /Requests\/sec:\s+([\d.]+)/.exec(stdout) ?? [];
  const [, requests = '0'] = /(\d+) requests in/.exec(stdout) ?? [];
  const [, p99 = '0', unit = 'ms'] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const toMs = { us: 0.001, ms: 1, s: 1000 }[unit] ?? 1;
  return { perSecond: Number(perSecond), p99Ms: Number(p99) * toMs, requests: Number(requests) };
}

async function runCurl(figure: string, words: readonly string[]): Promise<number> {
  const curl = findProgram('curl', 'CURL');
  const command = `head -c ${LARGE_BYTES} /dev/zero | "$0" "$@"`;
  const all = ['-sf', '-o', '/dev/null', '-w', `%{${figure}}`, ...words];
  const { stdout } = await run('sh', ['-c', command, curl, ...all]);
  return Number(stdout);
}

async function cpuOf({ pids }: Way): Promise<number> {
  const seconds = await Promise.all(pids.map(readCpuSeconds));
  return seconds.reduce((sum, each) => sum + each, 0);
}

function memoryOf({ pids }: Way): Promise<number[]> {
  return Promise.all(pids.map((pid) => readMemoryMib(pid, 'VmHWM')));
}

/** Small answers over Mosquitto as the broker. */
async function measureOverMosquitto(
  {
    seconds,
    ...options
  }: { recado: (...args: readonly string[]) => string[]; targetUrl: string; seconds: number },
  stops: Stop[],
): Promise<number> {
  const mosquitto = await startMosquitto();
  stops.push(() => mosquitto.stop());
  const processes = await openServiceProcesses({ ...options, broker: `mqtt://127.0.0.1:${mosquitto.port}` });
  stops.push(() => processes.stop());
  const way = await openWay('over Mosquitto', processes);
  await runWrk(`${way.url}/small`, seconds);
  return (await runWrk(`${way.url}/small`, seconds)).perSecond;
}

function report(ways: readonly Way[], { grown, other }: { grown: readonly number[]; other: number }): Bar[] {
  const figuresOf = ({ perSecond, p99Ms, cpuUs, downMb, upMb }: Way): number[] =>
    [perSecond, p99Ms, cpuUs, downMb, upMb].map(median);
  const columns = ['', 'requests/s', 'p99 ms', 'CPU µs/request', 'down MB/s', 'up MB/s'];
  const title = `Services: ${CALLERS} callers, ${LARGE_BYTES / MIB} MiB each way, medians of ${ways[0]!.upMb.length} rounds`;
  printTable(
    title,
    columns,
    ways.map((way) => [way.name, ...figuresOf(way)]),
  );
  const [own, bound, ssh] = ways.map(figuresOf) as [number[], number[], number[]];
  const ratio = (figure: string, index: number, than: readonly number[], least: number): Bar => {
    const measured = own[index]! / than[index]!;
    return { figure, met: measured >= least, measured: measured.toFixed(2), wanted: `at least ${least}` };
  };
  return [
    ratio('requests/s, of two Node proxies', 0, bound, 0.85),
    ratio('requests/s, of ssh -R', 0, ssh, 0.7),
    {
      figure: 'p99 ms',
      met: own[1]! <= ssh[1]!,
      measured: own[1]!.toFixed(1),
      wanted: `at most ${ssh[1]!.toFixed(1)}, as ssh -R`,
    },
    ratio('download, of ssh -R', 3, ssh, 0.7),
    ratio('upload, of ssh -R', 4, ssh, 0.7),
    {
      figure: 'requests/s over Mosquitto, of the embedded broker',
      met: other / own[0]! >= 0.5,
      measured: (other / own[0]!).toFixed(2),
      wanted: 'at least 0.5',
    },
    ...['hub', 'agent'].map((name, index) => ({
      figure: `peak memory of the ${name} above idle`,
      met: grown[index]! <= 100,
      measured: `${grown[index]!.toFixed(0)} MiB`,
      wanted: 'at most 100 MiB',
    })),
  ];
}
