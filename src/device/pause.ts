import type { Clock } from '../base/clock.ts';

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
