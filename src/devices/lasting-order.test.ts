import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Alarms } from '../base/alarms.ts';
import type { Clock } from '../base/clock.ts';
import { LogBudget } from '../base/log-budget.ts';
import { silentLogger } from '../base/logger.ts';
import type { Command } from './command.ts';
import { InvocationLane, LaneCounters } from './invocation-lane.ts';
import { Invocation } from './invocation.ts';

const COMMAND: Command = {
  name: 'work',
  number: 1,
  title: 'work',
  kind: 'action',
  idempotent: false,
  concurrency: 'parallel',
};

/** A lane whose store writes one commit at a time: what is asked for during one is in the next, when a test says so. */
class GatedLane {
  readonly lane: InvocationLane;
  /** What was sent, on which link. */
  readonly sent: string[] = [];
  readonly #alarms: Alarms;
  #commits: PromiseWithResolvers<void>[] = [];

  constructor() {
    const clock: Clock = {
      now: () => 1000,
      monotonic: () => 1000,
      setTimer: () => ({ clear: () => {} }),
      setTicker: () => ({ clear: () => {} }),
    };
    this.#alarms = new Alarms(clock);
    const limits = {
      maxQueuedInvocations: 10,
      maxQueuedPerCaller: 10,
      maxQueuedBytes: 65_536,
      maxQueuedBytesPerCaller: 32_768,
    };
    const log = new LogBudget(clock, silentLogger);
    const feed = { last: 0, publish: () => {}, publishReading: () => {}, open: () => undefined };
    this.lane = new InvocationLane(limits, { counters: new LaneCounters(), feed, log });
  }

  enter(id: string): Invocation {
    const invocation = new Invocation({
      id,
      deviceId: 'd',
      command: COMMAND,
      inputText: undefined,
      timeoutMs: 1000,
      caller: 'c',
      alarms: this.#alarms,
      lasting: { queueForMs: 60_000 },
      journal: { write: () => this.#write(), notePhase: () => {}, noteEnding: () => {} },
    });
    this.lane.enter(invocation);
    return invocation;
  }

  join(name: string, maxInFlight = 8): void {
    const invoke = (invocation: Invocation): void => {
      this.sent.push(`${invocation.id} on ${name}`);
      invocation.markSent();
    };
    this.lane.open({ maxInFlight, invoke, cancel: () => {}, close: () => {} });
    this.lane.resume();
  }

  /** The commit that is under way ends. */
  async commit(error?: Error): Promise<void> {
    const commit = this.#commits.shift();
    if (error === undefined) commit?.resolve();
    else commit?.reject(error);
    await new Promise(setImmediate);
  }

  #write(): Promise<void> {
    if (this.#commits.length < 2) this.#commits.push(Promise.withResolvers());
    return this.#commits.at(-1)!.promise;
  }
}

describe('commands that last and wait for their device', () => {
  for (const [how, leave] of [
    ['went and came back', (gated: GatedLane) => gated.lane.close()],
    ['came on another connection', () => {}],
  ] as const) {
    it(`keep their order when it ${how} while the first is written down`, async () => {
      const gated = new GatedLane();
      for (const id of ['1', '2', '3']) gated.enter(id);
      for (let commit = 0; commit < 2; commit++) await gated.commit();
      gated.join('first', 1);
      leave(gated);
      gated.join('second');
      for (let commit = 0; commit < 4; commit++) await gated.commit();
      assert.deepEqual(gated.sent, ['1 on second', '2 on second', '3 on second']);
    });
  }

  it('are no error of the program when that they wait again cannot be written', async () => {
    const gated = new GatedLane();
    gated.join('first');
    const invocation = gated.enter('1');
    gated.lane.close();
    await gated.commit();
    await gated.commit(new Error('the disk is full'));
    assert.equal(invocation.state, 'queued');
    gated.join('second');
    await gated.commit();
    await gated.commit();
    assert.deepEqual(gated.sent, ['1 on second']);
  });
});
