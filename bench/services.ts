import { createHash, type Hash } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { runChaos } from '../test/helpers/services-chaos.ts';
import {
  openServiceProcesses,
  type ServiceProcesses,
  type ServiceProcessesOptions,
} from '../test/helpers/services-processes.ts';
import { buildRecado } from './servers/built-recado.ts';
import { readMemoryMib } from './servers/server-figures.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

const BYTES = 1024 * 1024 * 1024;
const MIN_MB_PER_SECOND = 150;
const MAX_RSS_MIB = 150;
const SMALL_REQUESTS = 2000;
const CHAOS = { requests: 10_000, atOnce: 64, agents: 3, killEveryMs: 1000 };

/** 1 GiB each way through a service, and small requests one after the other. */
export async function benchServices({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  return measureServices({ rounds, recado: await buildRecado() });
}

/** The same for a `recado` that is there. */
export async function measureServices({
  rounds,
  ...options
}: ServiceProcessesOptions & { rounds: number }): Promise<readonly Bar[]> {
  const bench = await openServiceProcesses(options);
  try {
    const agent = bench.startAgent('bench');
    await bench.waitForAgents(1);
    const small = await measureSmall(bench);
    const rows: Transfer[] = [];
    for (let round = 0; round < rounds; round++) {
      rows.push(await download(`${bench.url}/download?bytes=${BYTES}`, 'download'));
      rows.push(await upload(`${bench.url}/upload`, 'upload'));
    }
    const [hubMib, agentMib] = [
      await readMemoryMib(bench.hub.program.pid, 'VmHWM'),
      await readMemoryMib(agent.pid, 'VmHWM'),
    ];
    return report({ rows, small, hubMib, agentMib, rounds });
  } finally {
    await bench.stop();
  }
}

type Transfer = { readonly way: string; readonly mbPerSecond: number; readonly isRight: boolean };
type Small = { readonly direct: number; readonly through: number };

async function measureSmall(bench: ServiceProcesses): Promise<Small> {
  const timesOf = async (url: string): Promise<number> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const times: number[] = [];
    for (let index = 0; index < SMALL_REQUESTS; index++) {
      const start = performance.now();
      await readAll(await ask(`${url}/small/${index}`, { agent }));
      times.push(performance.now() - start);
    }
    agent.destroy();
    return median(times.slice(SMALL_REQUESTS / 2));
  };
  return { direct: await timesOf(bench.targetUrl), through: await timesOf(bench.url) };
}

function ask(url: string, { agent }: { agent: Agent }): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { agent }, resolve).on('error', reject).end();
  });
}

async function readAll(response: IncomingMessage): Promise<void> {
  for await (const _chunk of response);
}

async function download(url: string, way: string): Promise<Transfer> {
  const expected = createHash('sha256');
  const block = createPattern();
  for (let sent = 0; sent < BYTES; sent += block.length) expected.update(block);
  const hash = createHash('sha256');
  const start = performance.now();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(url, resolve).on('error', reject).end();
  });
  for await (const chunk of response) hash.update(chunk as Buffer);
  const seconds = (performance.now() - start) / 1000;
  return { way, mbPerSecond: BYTES / 1e6 / seconds, isRight: digest(hash) === digest(expected) };
}

async function upload(url: string, way: string): Promise<Transfer> {
  const hash = createHash('sha256');
  const block = createPattern();
  for (let sent = 0; sent < BYTES; sent += block.length) hash.update(block);
  const start = performance.now();
  const answer = await new Promise<string>((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers: { 'content-length': BYTES } }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
    let sent = 0;
    const send = (): void => {
      while (sent < BYTES) {
        sent += block.length;
        if (!request.write(block)) return void request.once('drain', send);
      }
      request.end();
    };
    send();
  });
  const seconds = (performance.now() - start) / 1000;
  return { way, mbPerSecond: BYTES / 1e6 / seconds, isRight: answer === digest(hash) };
}

function digest(hash: Hash): string {
  return hash.digest('hex');
}

/** The block of `services-target.ts`. */
function createPattern(): Buffer {
  const block = Buffer.alloc(1024 * 1024);
  let state = 1;
  for (let index = 0; index < block.length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    block[index] = state >>> 16;
  }
  return block;
}

type Report = {
  readonly rows: readonly Transfer[];
  readonly small: Small;
  readonly hubMib: number;
  readonly agentMib: number;
  readonly rounds: number;
};

function report({ rows, small, hubMib, agentMib, rounds }: Report): readonly Bar[] {
  const speedOf = (way: string): number =>
    median(rows.filter((row) => row.way === way).map(({ mbPerSecond }) => mbPerSecond));
  const [down, up] = [speedOf('download'), speedOf('upload')];
  const columns = [
    'download MB/s',
    'upload MB/s',
    'hub peak MiB',
    'agent peak MiB',
    'small GET ms',
    'without hub ms',
  ];
  const figures = [down, up, hubMib, agentMib, small.through, small.direct];
  printTable(`Services: 1 GiB each way, medians of ${rounds} rounds`, columns, [figures]);
  const speedBar = (figure: string, measured: number) => ({
    figure,
    met: measured >= MIN_MB_PER_SECOND,
    measured: `${measured.toFixed(0)} MB/s`,
    wanted: `at least ${MIN_MB_PER_SECOND} MB/s`,
  });
  const memoryBar = (figure: string, measured: number) => ({
    figure,
    met: measured < MAX_RSS_MIB,
    measured: `${measured.toFixed(0)} MiB`,
    wanted: `less than ${MAX_RSS_MIB} MiB`,
  });
  const wrong = rows.filter(({ isRight }) => !isRight).length;
  return [
    speedBar('download', down),
    speedBar('upload', up),
    memoryBar('peak memory of the hub', hubMib),
    memoryBar('peak memory of the agent', agentMib),
    { figure: 'wrong SHA-256', met: wrong === 0, measured: String(wrong), wanted: '0' },
  ];
}

/** Requests while agents are killed and started again. */
export async function benchServicesChaos(): Promise<readonly Bar[]> {
  const processes = await openServiceProcesses({ recado: await buildRecado() });
  try {
    const start = performance.now();
    const { answers, wrong, failedSafe, failedPosts, kills } = await runChaos(processes, CHAOS);
    const seconds = (performance.now() - start) / 1000;
    const posts = Object.entries(failedPosts).map(([code, count]) => `${count} ${code}`);
    const title = `Services: ${CHAOS.requests} requests, ${CHAOS.atOnce} at once, while agents are killed`;
    printTable(
      title,
      ['seconds', 'kills', 'POSTs that failed'],
      [[seconds, kills, posts.join(', ') || 'none']],
    );
    for (const text of [...wrong, ...failedSafe].slice(0, 10)) process.stdout.write(`  ${text}\n`);
    const none = (figure: string, count: number) => ({
      figure,
      met: count === 0,
      measured: String(count),
      wanted: '0',
    });
    return [
      none('answers that did not come', CHAOS.requests - answers),
      none('wrong answers, or without a documented status', wrong.length),
      none('safe methods that failed', failedSafe.length),
    ];
  } finally {
    await processes.stop();
  }
}
