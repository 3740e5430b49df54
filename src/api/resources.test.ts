import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showTime } from './resources.ts';

test('times are RFC 3339 in UTC with milliseconds, whatever order they come in', () => {
  const times = [
    0, 1, 999, 1000, 1_795_000_000_123, 1_795_000_000_124, 1_795_000_001_000, 5, 1_582_934_399_999,
  ];
  for (const time of times) assert.equal(showTime(time), new Date(time).toISOString());
});
