import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildProgram } from '../test/helpers/child-program.ts';
import type { Bar } from './bars.ts';
import { FLOODS, type Flood } from './floods.ts';
import { LOAD_CORE } from './load-tools.ts';
import { printTable } from './print-table.ts';
import { startRecado, type RecadoServer } from './servers/recado.ts';
import { readMemoryMib } from './servers/server-figures.ts';

const MAX_DELAY_MS = 50;
const BYTES_PER_SECOND = 100_000_000;
const WARM_UP_SECONDS = 1;
/** For what the peer left behind to be done with. */
const SETTLE_MS = 500;
const PATIENCE_MS = 20_000;
const PROBE = path.join(import.meta.dirname, 'servers', 'event-loop-probe.ts');
const PEER = path.join(import.meta.dirname, 'event-loop-peer.ts');

type Sent = { readonly sent: number; readonly connections: number; readonly seconds: number };
/** Of the longest delays: see `event-loop-probe.ts`. */
type Delays = {
  readonly delayMs: number;
  readonly cpuMs: number;
  readonly ownMs: number;
  readonly collectionMs: number;
};
type Measured = Sent & Delays & { readonly name: string; readonly memoryMib: number };

/** How long one peer keeps everybody else waiting, with whatever it sends: the event loop is everybody's. */
export async function benchEventLoop({ seconds }: { seconds: number }): Promise<readonly Bar[]> {
  const rows: Measured[] = [];
  for (const flood of FLOODS) rows.push(await measure(flood, seconds));
  printTable(
    `Event loop: one peer, ${seconds} s each, at most ${BYTES_PER_SECOND / 1e6} MB/s; the longest delay in ms`,
    ['flood', 'MB/s', 'connections', 'by the clock', 'of CPU', 'of it collection', 'own', 'RSS MiB'],
    rows.map((row) => [
      row.name,
      row.sent / row.seconds / 1e6,
      row.connections,
      row.delayMs,
      row.cpuMs,
      row.collectionMs,
      row.ownMs,
      row.memoryMib,
    ]),
  );
  return rows.map(barOf);
}

/** Each flood meets a hub of its own: what an earlier one left behind is no delay of this one. */
async function measure(flood: Flood, seconds: number): Promise<Measured> {
  const hub = await startRecado({ nodeFlags: ['--import', PROBE] });
  try {
    await send(hub, flood, WARM_UP_SECONDS);
    const warm = await readDelays(hub);
    const sent = await send(hub, flood, seconds);
    await sleep(SETTLE_MS);
    // A hub that did not come to itself after the first second will not do so after the next ones.
    const delays = warm.delayMs < PATIENCE_MS ? await readDelays(hub) : warm;
    return { name: flood.name, ...sent, ...delays, memoryMib: await readMemoryMib(hub.program.pid) };
  } finally {
    await hub.stop();
  }
}

/** The peer runs on the load's core, in a process of its own: what making the flood costs is not the hub's. */
async function send(hub: RecadoServer, flood: Flood, seconds: number): Promise<Sent> {
  const words = ['--flood', flood.name, '--port', String(flood.port(hub)), '--seconds', String(seconds)];
  const rate = ['--rate', String(BYTES_PER_SECOND)];
  const peer = new ChildProgram([...LOAD_CORE, process.execPath, PEER, ...words, ...rate], {
    name: 'the peer',
  });
  try {
    return JSON.parse(await peer.waitForLine(/^\{/, { timeoutMs: seconds * 1000 + 30_000 })) as Sent;
  } finally {
    await peer.stop();
  }
}

/** The longest delays since the last time; one that goes on still counts for as long as it was waited for. */
async function readDelays(hub: RecadoServer): Promise<Delays> {
  const after = hub.program.mark();
  hub.program.signal('SIGUSR2');
  const line = await hub.program
    .waitForLine(/^event-loop /, { after, timeoutMs: PATIENCE_MS })
    .catch(() => undefined);
  if (line !== undefined) return JSON.parse(line.slice('event-loop '.length)) as Delays;
  return { delayMs: PATIENCE_MS, cpuMs: PATIENCE_MS, ownMs: PATIENCE_MS, collectionMs: 0 };
}

function barOf({ name, ownMs, delayMs }: Measured): Bar {
  return {
    figure: `${name}: longest delay, without garbage collection`,
    met: ownMs <= MAX_DELAY_MS,
    measured: `${ownMs.toFixed(0)} ms of CPU (${delayMs.toFixed(0)} by the clock)`,
    wanted: `at most ${MAX_DELAY_MS} ms`,
  };
}
