import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Alarms } from '../base/alarms.ts';
import { systemClock } from '../base/clock.ts';
import { Ledger } from '../base/ledger.ts';
import { LogBudget } from '../base/log-budget.ts';
import { silentLogger } from '../base/logger.ts';
import type { EventFeed } from './events.ts';
import { InvocationBook } from './invocation-book.ts';
import { InvocationLane, LaneCounters } from './invocation-lane.ts';
import { MemoryInvocationStore } from './invocation-store.ts';
import { Invocation } from './invocation.ts';

const LIMITS = {
  maxQueuedInvocations: 10,
  maxQueuedPerCaller: 10,
  maxQueuedBytes: 65_536,
  maxQueuedBytesPerCaller: 32_768,
};

/** One invocation that lasts and was sent, in a book whose next commit is done, or fails, when a test says. */
async function sentRig() {
  const told: string[] = [];
  const feed: EventFeed = {
    last: 0,
    publish: (event) => void (event.kind === 'invocation' && told.push(event.invocation.state)),
    publishReading: () => {},
    open: () => undefined,
  };
  let commit = Promise.withResolvers<void>();
  const store = Object.assign(new MemoryInvocationStore(), { commit: () => commit.promise });
  const limits = { maxHistory: 10, historyMs: 60_000 };
  const book = new InvocationBook({ store, limits, clock: systemClock, ledger: new Ledger() });
  const log = new LogBudget(systemClock, silentLogger);
  const lane = new InvocationLane(LIMITS, { counters: new LaneCounters(), feed, log });
  lane.open({ maxInFlight: 1, invoke: (sent) => sent.markSent(), cancel: () => {}, close: () => {} });
  const invocation = new Invocation({
    id: '1',
    deviceId: 'd',
    command: {
      name: 'work',
      number: 1,
      title: '',
      kind: 'action',
      idempotent: false,
      concurrency: 'parallel',
    },
    inputText: undefined,
    timeoutMs: 1000,
    caller: 'c',
    alarms: new Alarms(systemClock),
    lasting: {},
    journal: book,
  });
  book.begin(invocation);
  lane.enter(invocation);
  commit.resolve();
  await new Promise(setImmediate);
  assert.equal(book.get('1')?.phase, 'sent');
  commit = Promise.withResolvers<void>();
  let ended = '';
  invocation.whenDone(({ state }) => (ended = state));
  const seen = () => ({
    one: book.get('1')?.state,
    output: book.get('1')?.outputText,
    listed: book.list({ state: 'completed' }, undefined, 10).length,
    isLive: book.live('1') !== undefined,
    told: told.at(-1),
    ended,
  });
  return { invocation, seen, commit };
}

const RUNNING = { one: 'running', output: undefined, listed: 0, isLive: true, told: 'running', ended: '' };
const COMPLETED = {
  one: 'completed',
  output: '7',
  listed: 1,
  isLive: false,
  told: 'completed',
  ended: 'completed',
};

it('an end is known to nobody before it is written down, and to all then', async () => {
  const { invocation, seen, commit } = await sentRig();
  invocation.answer(7);
  await new Promise(setImmediate);
  assert.deepEqual(seen(), RUNNING);
  commit.resolve();
  await new Promise(setImmediate);
  assert.deepEqual(seen(), COMPLETED);
});

it('an end that cannot be written down is told all the same: no caller waits for a disk', async () => {
  const { invocation, seen, commit } = await sentRig();
  invocation.answer(7);
  commit.reject(new Error('the disk is full'));
  await new Promise(setImmediate);
  assert.deepEqual(seen(), COMPLETED);
});
