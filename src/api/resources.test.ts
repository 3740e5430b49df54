import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Alarms } from '../base/alarms.ts';
import { systemClock } from '../base/clock.ts';
import type { Command } from '../devices/command.ts';
import { Invocation } from '../devices/invocation.ts';
import { showInvocation, showTime, writeInvocation } from './resources.ts';

test('times are RFC 3339 in UTC with milliseconds, whatever order they come in', () => {
  const times = [
    0, 1, 999, 1000, 1_795_000_000_123, 1_795_000_000_124, 1_795_000_001_000, 5, 1_582_934_399_999,
  ];
  for (const time of times) assert.equal(showTime(time), new Date(time).toISOString());
});

test('an invocation is written as it is shown, in every phase', () => {
  let now = Date.UTC(2026, 10, 22, 10);
  const alarms = new Alarms({ ...systemClock, now: () => ++now });
  const command: Command = {
    name: 'a "b" \\ é',
    number: 1,
    title: '',
    kind: 'action',
    idempotent: false,
    concurrency: 'parallel',
  };
  const options = {
    id: 'i1',
    deviceId: 'd"1',
    command,
    inputText: undefined,
    timeoutMs: 1,
    caller: '',
    alarms,
  };
  const invocation = new Invocation(options);
  const steps = [
    () => {},
    () => invocation.markSent(),
    () => invocation.markDelivered(),
    () => invocation.answer(1),
  ];
  for (const step of steps) {
    step();
    assert.equal(writeInvocation(invocation), JSON.stringify(showInvocation(invocation)));
  }
});
