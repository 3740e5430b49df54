import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Alarms } from '../base/alarms.ts';
import type { Clock } from '../base/clock.ts';
import type { Command } from './command.ts';
import type { DeviceLink } from './device-link.ts';
import type { EventFeed } from './events.ts';
import { LogBudget } from '../base/log-budget.ts';
import { silentLogger } from '../base/logger.ts';
import { InvocationLane, type LaneCounters } from './invocation-lane.ts';
import { Invocation } from './invocation.ts';

type Fixture = {
  lane: InvocationLane;
  logged: unknown[];
  /** The states of invocations in the order in which the feed was told of them. */
  told: string[];
  sent: Invocation[];
  cancelled: Invocation[];
  counters: LaneCounters;
  link: DeviceLink;
  advance: (ms: number) => void;
  enter: (
    name: string,
    options?: { command?: Partial<Command>; timeoutMs?: number; caller?: string },
  ) => Invocation;
};

/** A lane whose clock stands still until it is told to go on. */
function fixture(
  maxInFlight: number,
  limits = {
    maxQueuedInvocations: 10,
    maxQueuedPerCaller: 10,
    maxQueuedBytes: 65_536,
    maxQueuedBytesPerCaller: 32_768,
  },
): Fixture {
  let now = 1000;
  const timers = new Set<{ at: number; call: () => void }>();
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimer(delayMs, call) {
      const timer = { at: now + delayMs, call };
      timers.add(timer);
      return { clear: () => void timers.delete(timer) };
    },
    setTicker: () => ({ clear: () => {} }),
  };
  const alarms = new Alarms(clock);
  const counters: LaneCounters = {
    invocationsCompleted: 0,
    invocationsFailed: 0,
    invocationsCancelled: 0,
    invocationsRefused: 0,
    lateAnswers: 0,
  };
  const logged: unknown[] = [];
  const logger = { ...silentLogger, error: (fields: object) => void logged.push(fields) };
  const log = new LogBudget(clock, logger);
  const told: string[] = [];
  const feed: EventFeed = {
    last: 0,
    publish: (event) => void (event.kind === 'invocation' && told.push(event.invocation.state)),
    publishReading: () => {},
    open: () => undefined,
  };
  const lane = new InvocationLane(limits, { counters, feed, log });
  const sent: Invocation[] = [];
  const cancelled: Invocation[] = [];
  const link: DeviceLink = {
    maxInFlight,
    invoke: (invocation) => {
      sent.push(invocation);
      invocation.markSent();
    },
    cancel: (invocation) => void cancelled.push(invocation),
    close: () => {},
  };
  lane.open(link);
  return {
    lane,
    logged,
    told,
    sent,
    cancelled,
    counters,
    link,
    advance(ms) {
      now += ms;
      for (const timer of timers) if (timer.at <= now && timers.delete(timer)) timer.call();
    },
    enter(name, options = {}) {
      const command: Command = {
        name,
        number: 1,
        title: name,
        kind: 'action',
        idempotent: false,
        concurrency: 'parallel',
        ...options.command,
      };
      const invocation = new Invocation({
        id: name,
        deviceId: 'd',
        command,
        inputText: undefined,
        timeoutMs: options.timeoutMs ?? 1000,
        caller: options.caller ?? 'c',
        alarms,
      });
      lane.enter(invocation);
      return invocation;
    },
  };
}

test('as many exchanges as the link can tell apart; the others wait', () => {
  const { enter, sent, lane } = fixture(2);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => enter(name));
  assert.deepEqual(sent, [a, b]);
  assert.deepEqual([lane.inFlight, lane.queued], [2, 1]);
  b?.answer('done');
  assert.deepEqual(sent, [a, b, c]);
  assert.equal(b?.state, 'completed');
});

test('one caller cannot hold all that a device may have in flight, however long it waits', () => {
  const { enter, sent, lane } = fixture(16, {
    maxQueuedInvocations: 100,
    maxQueuedPerCaller: 100,
    maxQueuedBytes: 65_536,
    maxQueuedBytesPerCaller: 32_768,
  });
  for (let index = 0; index < 100; index++) enter(`greedy${index}`);
  assert.deepEqual([sent.length, lane.queued], [14, 86]);
  const other = enter('other', { caller: 'other' });
  assert.equal(sent.at(-1), other);
  other.answer(1);
  assert.deepEqual([lane.inFlight, lane.queued], [14, 86]);
});

test('a caller that times out leaves; the exchange stays until the link lets go', () => {
  const { enter, sent, cancelled, lane, counters, advance } = fixture(1);
  const first = enter('first', { timeoutMs: 100 });
  const second = enter('second');
  advance(100);
  assert.equal(first.failure?.code, 'ANSWER_TIMEOUT');
  assert.deepEqual(cancelled, [first]);
  assert.deepEqual(sent, [first], 'the second must not be sent while an answer may come');
  first.answer('late');
  assert.equal(first.output, undefined);
  assert.equal(counters.lateAnswers, 1);
  assert.deepEqual(sent, [first, second]);
  assert.equal(lane.inFlight, 1);
});

test('a caller that times out in the queue was never sent, and may try again', () => {
  const { enter, sent, advance, lane } = fixture(1);
  enter('first');
  const second = enter('second', { timeoutMs: 50 });
  advance(50);
  assert.deepEqual(
    [second.failure?.code, second.phase, second.safeToRetry],
    ['ANSWER_TIMEOUT', 'accepted', true],
  );
  assert.equal(lane.queued, 0);
  assert.equal(sent.length, 1);
});

test('an invocation ends once: what comes after its end changes nothing', () => {
  const { enter, counters, advance } = fixture(1);
  const invocation = enter('one');
  let done = 0;
  invocation.whenDone(() => done++);
  invocation.answer(1);
  invocation.answer(2);
  invocation.fail({ code: 'DEVICE_LOST', message: '' });
  advance(5000);
  assert.deepEqual([invocation.output, invocation.state, done], [1, 'completed', 1]);
  assert.deepEqual(
    [counters.invocationsCompleted, counters.invocationsFailed, counters.lateAnswers],
    [1, 0, 0],
  );
});

test('when the device goes, who waits is told; who was sent is told by the link', () => {
  const { enter, lane } = fixture(1);
  const sent = enter('sent');
  const waiting = enter('waiting');
  lane.close();
  assert.equal(waiting.failure?.code, 'DEVICE_OFFLINE');
  assert.equal(sent.state, 'running');
  sent.fail({ code: 'DEVICE_LOST', message: '' });
  assert.equal(lane.inFlight, 0);
});

test('a link that answers at once does not make the lane call itself without end', () => {
  const { enter, lane, link, sent } = fixture(1, {
    maxQueuedInvocations: 5000,
    maxQueuedPerCaller: 5000,
    maxQueuedBytes: 65_536,
    maxQueuedBytesPerCaller: 32_768,
  });
  const first = enter('first');
  for (let index = 0; index < 4000; index++) enter(`n${index}`);
  link.invoke = (invocation) => {
    sent.push(invocation);
    invocation.answer('now');
  };
  first.answer('go');
  assert.equal(sent.length, 4001);
  assert.deepEqual([lane.inFlight, lane.queued], [0, 0]);
});

test('serial commands wait for their own kind only', () => {
  const { enter, sent } = fixture(10);
  const serial = { command: { concurrency: 'serial' as const } };
  const first = enter('move', serial);
  const second = enter('move', serial);
  const other = enter('look');
  assert.deepEqual(sent, [first, other]);
  first.answer(1);
  assert.deepEqual(sent, [first, other, second]);
});

test('a link that throws is told in the log, and its caller only that the log says why', () => {
  const { lane, link, logged, enter } = fixture(1);
  const why = new Error('inside');
  lane.close();
  lane.open({ ...link, invoke: () => assert.fail(why) });
  const { failure } = enter('read');
  assert.equal(failure?.code, 'INTERNAL');
  assert.doesNotMatch(failure?.message ?? '', /inside/);
  assert.deepEqual(logged, [{ err: why, device: 'd' }]);
});

test('the feed is told when an invocation is accepted, and when it has ended', () => {
  const { enter, told, advance, sent } = fixture(1);
  enter('first');
  enter('second', { timeoutMs: 50 });
  assert.deepEqual(told, ['running', 'running']);
  sent[0]?.answer('done');
  assert.deepEqual(told, ['running', 'running', 'completed']);
  advance(100);
  assert.deepEqual(told, ['running', 'running', 'completed', 'failed']);
});
