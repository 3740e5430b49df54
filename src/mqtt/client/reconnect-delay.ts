/**
 * How long to wait before another attempt: twice as long each time, up to `maxMs`, or to `minMs` where that is
 * more, and between half and all of that, so that many clients of one broker do not come back in the same moment.
 *
 * @param attempt - 0 for the first one after a connection was lost
 * @param random - gives 0 to 1
 */
export function reconnectDelayMs(
  attempt: number,
  { minMs, maxMs, random }: { minMs: number; maxMs: number; random: () => number },
): number {
  const boundMs = Math.min(Math.max(minMs, maxMs), minMs * 2 ** Math.min(attempt, 30));
  return Math.round(boundMs * (0.5 + random() / 2));
}
