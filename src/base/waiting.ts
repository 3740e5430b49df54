import type { Clock } from './clock.ts';

/** Resolves after `delayMs`, or as soon as `signal` is aborted. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.setTimer(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
    function end(): void {
      timer.clear();
      signal.removeEventListener('abort', end);
      resolve();
    }
  });
}

/** Resolves when `work` is done, or after `limitMs`; the work goes on. */
export async function waitAtMost(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimer(limitMs, resolve);
  await Promise.race([work, promise]);
  timer.clear();
}
