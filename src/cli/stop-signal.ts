import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../base/logger.ts';
import { written } from './bounded-output.ts';

/** A signal that asks to stop, with the exit code of a process that it ended. */
export const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type StopSignal = keyof typeof STOP_SIGNALS;

/** npm, npx and shells pass one Ctrl+C on, so it can arrive twice; a person's second one comes later. */
const ECHO_MS = 300;

/** For a reader of standard output or error that is slow, or stands still. */
const LAST_LINES_MS = 1000;

/**
 * Waits for the first signal to stop; the next one ends the process at once.
 * Listens from the call on, so a signal that comes before anybody awaits is not lost.
 */
export function stopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    for (const [signal, exitCode] of Object.entries(STOP_SIGNALS) as [StopSignal, number][]) {
      process.on(signal, () => {
        const now = performance.now();
        if (firstAt !== undefined && now - firstAt > ECHO_MS) process.exit(exitCode);
        firstAt ??= now;
        resolve(signal);
      });
    }
  });
}

/**
 * Closes what runs, and ends the process: with 1 when not everything closed in time.
 *
 * @param close - false: not in time
 */
export async function stopInOrder(
  signal: StopSignal,
  log: Logger,
  close: () => Promise<unknown>,
): Promise<never> {
  log.info({ signal }, 'stopping');
  const inTime = (await close()) !== false;
  log.info({}, inTime ? 'stopped' : 'stopped, but not everything closed in time');
  await lastLines();
  process.exit(inTime ? 0 : 1);
}

/** The last line before an end is the one that matters: its reader may take so long. */
async function lastLines(): Promise<void> {
  const all = Promise.all([process.stdout, process.stderr].map((stream) => written(stream)));
  await Promise.race([all, sleep(LAST_LINES_MS)]);
}
