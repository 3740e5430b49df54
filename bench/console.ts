import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Browser, type BrowserPage } from '../test/helpers/chromium.ts';
import { buildConsole, LOOKS, openConsole } from '../test/helpers/console-page.ts';
import { findFreePorts, startHubProcess } from '../test/helpers/hub-process.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

const DEVICES = 10_000;
const EVENTS = 100_000;
const EVENTS_PER_STEP = 250;
const STEP_MS = 50;
const MIB = 1_048_576;
const MAX_FRAME_MS = 17;
const MAX_FILTER_MS = 100;
const MAX_GROWTH_MIB = 5;
const SETTINGS = { RECADO_GATEWAYS_SOCKET_FRAMED_KEEP_ALIVE_MS: '600000' };
const FILTERS = ['device-99', 'status:online', 'status:offline', 'silent:<1h', 'temperature:>500', ''];

/** The list of 10,000 devices in a headless Chromium: scrolling, filtering, and 100,000 events. */
export async function benchConsole(): Promise<readonly Bar[]> {
  await buildConsole();
  const hub = await startHubProcess(await findFreePorts(), { settings: SETTINGS });
  const ends: (() => unknown)[] = [() => hub.stop()];
  try {
    const sockets: Socket[] = [];
    for (let index = 0; index < DEVICES; index++) {
      const socket = await join(hub.ports.tcp, index);
      // Half of them are away: a process has not as many descriptors.
      if (index % 2 === 0) sockets.push(socket);
      else socket.destroy();
    }
    ends.push(() => sockets.forEach((socket) => socket.destroy()));
    const browser = await Browser.open({ after: (end) => void ends.push(end as () => unknown) });
    const page = await openConsole(browser, `${hub.url}/ui/devices`, LOOKS[0]!);
    await page.waitFor(`document.querySelector('[role=table]')?.ariaRowCount === '${DEVICES + 1}'`);
    const frames = (await page.evaluate(SCROLL)) as number[];
    const filters: number[] = [];
    for (const text of FILTERS)
      filters.push((await page.evaluate(`(${FILTER})(${JSON.stringify(text)})`)) as number);
    // What is made once, as compiled code, is no growth.
    await report(sockets, EVENTS / 10);
    const before = await heapMib(page);
    await report(sockets, EVENTS);
    const growth = (await heapMib(page)) - before;
    const frame = median(frames);
    const slowest = Math.max(...filters);
    printTable(
      `the console with ${DEVICES} devices`,
      ['frame, ms', 'slowest, ms', 'filter, ms', 'slowest, ms', 'heap, MiB', `grown by ${EVENTS} events`],
      [[frame, Math.max(...frames), median(filters), slowest, before, growth]],
    );
    return [
      bar('a frame while it scrolls', frame, MAX_FRAME_MS, 'ms'),
      bar('the slowest filter', slowest, MAX_FILTER_MS, 'ms'),
      bar(`growth by ${EVENTS} events`, growth, MAX_GROWTH_MIB, 'MiB'),
    ];
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

/** Scrolls on with each frame for two seconds. @returns how long each took, in ms */
const SCROLL = `new Promise((resolve) => {
  const table = document.querySelector('[role=table]');
  const times = [];
  const step = (time) => {
    times.push(time);
    table.scrollTop += 340;
    if (times.length <= 120) requestAnimationFrame(step);
    else resolve(times.slice(1).map((each, index) => each - times[index]));
  };
  requestAnimationFrame(step);
})`;

/** Types a filter. @returns how long it took until the browser could draw the next frame, in ms */
const FILTER = `(text) => new Promise((resolve) => {
  const input = document.querySelector('input[type=search]');
  const begun = performance.now();
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
})`;

async function join(port: number, index: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.write(`${JSON.stringify({ recado: 2, id: `device-${index}`, description: { telemetry: {} } })}\n`);
  await once(socket, 'data');
  return socket.resume();
}

/** 5,000 readings a second. */
async function report(sockets: readonly Socket[], count: number): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    sockets[sent % sockets.length]!.write(`{"telemetry":{"temperature":${sent % 1000}}}\n`);
    if (sent % EVENTS_PER_STEP === 0) await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

async function heapMib(page: BrowserPage): Promise<number> {
  await page.send('HeapProfiler.collectGarbage', {});
  const { usedSize } = (await page.send('Runtime.getHeapUsage', {})) as { usedSize: number };
  return usedSize / MIB;
}

function bar(figure: string, value: number, most: number, unit: string): Bar {
  return {
    figure: `console: ${figure}`,
    met: value <= most,
    measured: `${value.toFixed(1)} ${unit}`,
    wanted: `at most ${most} ${unit}`,
  };
}
