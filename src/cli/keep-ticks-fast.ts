import { executionAsyncResource } from 'node:async_hooks';

/** What Node made for a call of `process.nextTick`. */
const kept: object[] = [];

/**
 * Keeps `process.nextTick` fast, which every request calls seven times: when V8 looks through its whole heap and finds
 * nothing that waits for a tick, it forgets what those look like, and from then on making one takes seven times as
 * long (docs/decisions/0020). One that stays is enough.
 */
export function keepTicksFast(): void {
  process.nextTick(() => kept.push(executionAsyncResource()));
}
