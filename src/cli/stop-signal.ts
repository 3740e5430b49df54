/** A signal that asks to stop, with the exit code of a process that it ended. */
const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type StopSignal = keyof typeof STOP_SIGNALS;

/**
 * Waits for the first signal to stop; the next one ends the process at once.
 * Listens from the call on, so a signal that comes before anybody awaits is not lost.
 */
export function stopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let isStopping = false;
    for (const [signal, exitCode] of Object.entries(STOP_SIGNALS) as [StopSignal, number][]) {
      process.on(signal, () => {
        if (isStopping) process.exit(exitCode);
        isStopping = true;
        resolve(signal);
      });
    }
  });
}
