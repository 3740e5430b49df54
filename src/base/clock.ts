/** Time as a parameter, so that tests can hold it still. */
export type Clock = {
  /** Wall time in ms since 1970, for what people and other machines read. */
  now(): number;
  /** Ms from an arbitrary start that never jump: for durations and deadlines. */
  monotonic(): number;
  /** Calls once after `delayMs`. */
  setTimer(delayMs: number, call: () => void): Timer;
  /** Calls every `periodMs` until cleared. */
  setTicker(periodMs: number, call: () => void): Timer;
};

export type Timer = { clear(): void };

/** The machine's own clock. Tickers do not keep the process alive; timers do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return { clear: () => clearTimeout(timer) };
  },
  setTicker(periodMs, call) {
    const timer = setInterval(call, periodMs);
    timer.unref();
    return { clear: () => clearInterval(timer) };
  },
};
