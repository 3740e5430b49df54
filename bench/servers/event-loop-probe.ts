import { PerformanceObserver } from 'node:perf_hooks';

/*
 * Loaded into a server with `--import`: sees how long its event loop stands still. Told SIGUSR2, it prints the longest
 * delays since the last time, as a line of JSON. A delay counts three ways: by the clock; by the CPU that the thread
 * used meanwhile, since on a busy machine a thread also waits for its turn; and that CPU without garbage collection.
 */

const PERIOD_MS = 2;

type Pause = { readonly start: number; readonly end: number };

let collections: Pause[] = [];
let delays: (Pause & { readonly cpuMs: number })[] = [];

new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries())
    collections.push({ start: startTime, end: startTime + duration });
}).observe({ entryTypes: ['gc'] });

let last = performance.now();
let lastCpu = process.threadCpuUsage();

setInterval(() => {
  const now = performance.now();
  const cpu = process.threadCpuUsage(lastCpu);
  if (now - last > 2 * PERIOD_MS)
    delays.push({ start: last, end: now, cpuMs: (cpu.user + cpu.system) / 1000 });
  lastCpu = process.threadCpuUsage();
  last = now;
}, PERIOD_MS).unref();

/** Collections overlap when one kind is part of another: what they cover together. */
function collectedWithin({ start, end }: Pause): number {
  let covered = 0;
  let from = start;
  for (const each of collections.toSorted((a, b) => a.start - b.start)) {
    const [begin, finish] = [Math.max(each.start, from), Math.min(each.end, end)];
    if (finish <= begin) continue;
    covered += finish - begin;
    from = finish;
  }
  return covered;
}

process.on('SIGUSR2', () => {
  // The observer is told of a collection a little later: what has just happened is there after a turn or two.
  setTimeout(() => {
    const worst = { delayMs: 0, cpuMs: 0, ownMs: 0, collectionMs: 0 };
    for (const delay of delays) {
      const collectionMs = collectedWithin(delay);
      worst.delayMs = Math.max(worst.delayMs, delay.end - delay.start);
      worst.cpuMs = Math.max(worst.cpuMs, delay.cpuMs);
      worst.ownMs = Math.max(worst.ownMs, delay.cpuMs - collectionMs);
      worst.collectionMs = Math.max(worst.collectionMs, collectionMs);
    }
    collections = [];
    delays = [];
    process.stdout.write(`event-loop ${JSON.stringify(worst)}\n`);
  }, 50);
});
