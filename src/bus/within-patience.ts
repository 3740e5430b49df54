import type { Clock } from '../base/clock.ts';

/**
 * Settles as `work` does, or rejects earlier: with the error of `late` after `timeoutMs`, or with the reason of the
 * first signal that is given.
 */
export function withinPatience<T>(
  work: Promise<T>,
  patience: { readonly timeoutMs: number; readonly signals: readonly AbortSignal[]; readonly clock: Clock },
  late: () => Error,
): Promise<T> {
  const { timeoutMs, signals, clock } = patience;
  return new Promise((resolve, reject) => {
    const abort = (event: Event): void => giveUp((event.currentTarget as AbortSignal).reason);
    const timer = clock.setTimer(timeoutMs, () => giveUp(late()));
    const letGo = (): void => {
      timer.clear();
      for (const signal of signals) signal.removeEventListener('abort', abort);
    };
    const giveUp = (reason: unknown): void => {
      letGo();
      reject(reason);
    };
    for (const signal of signals) signal.addEventListener('abort', abort, { once: true });
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted !== undefined) giveUp(aborted.reason);
    work.then(
      (value) => {
        letGo();
        resolve(value);
      },
      (error: unknown) => giveUp(error),
    );
  });
}
