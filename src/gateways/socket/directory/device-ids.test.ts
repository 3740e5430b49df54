import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceIds } from './device-ids.ts';

const nobody = (): boolean => false;

test('the id is DE and the last part of the address', () => {
  const ids = new DeviceIds(100);
  assert.equal(ids.take('192.168.0.11', nobody), 'DE11');
  assert.equal(ids.take('10.0.0.254', nobody), 'DE254');
  assert.equal(ids.take('fe80::aa:1f2', nobody), 'DE1f2');
  assert.equal(ids.take('::', nobody), 'DE0');
});

test('the lowest free id of the address comes first', () => {
  const ids = new DeviceIds(100);
  const taken = [1, 2, 3, 4].map(() => ids.take('10.0.0.11', nobody));
  assert.deepEqual(taken, ['DE11', 'DE11-2', 'DE11-3', 'DE11-4']);
  for (const id of ['DE11-3', 'DE11', 'DE11-4']) ids.release('10.0.0.11', id);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => ids.take('10.0.0.11', nobody)),
    ['DE11', 'DE11-3', 'DE11-4', 'DE11-5'],
  );
});

test('an id that somebody else uses is passed over', () => {
  const ids = new DeviceIds(100);
  assert.equal(
    ids.take('10.0.0.11', (id) => id === 'DE11'),
    'DE11-2',
  );
  ids.release('10.0.0.11', 'DE11-2');
  assert.equal(
    ids.take('10.0.0.11', (id) => id === 'DE11-2' || id === 'DE11'),
    'DE11-3',
  );
});

test('only so many addresses are remembered, those that are connected always', () => {
  const ids = new DeviceIds(2);
  const stays = ids.take('10.0.0.11', nobody);
  const visit = (address: string): string => {
    const id = ids.take(address, nobody);
    ids.release(address, id);
    return id;
  };
  assert.deepEqual(['10.1.0.11', '10.2.0.11'].map(visit), ['DE11-2', 'DE11-3']);
  // Three addresses are too many: 10.1.0.11 was forgotten, so its number is free for another.
  assert.equal(visit('10.3.0.11'), 'DE11-2');
  assert.equal(visit('10.3.0.11'), 'DE11-2');
  assert.equal(stays, 'DE11');
  ids.release('10.0.0.11', stays);
  assert.equal(visit('10.0.0.11'), 'DE11', 'it was connected, so it was not forgotten');
});

test('five thousand devices of one address get five thousand ids, again and again', () => {
  const ids = new DeviceIds(100);
  for (let round = 0; round < 3; round++) {
    const taken = Array.from({ length: 5000 }, () => ids.take('127.0.0.1', nobody));
    assert.equal(new Set(taken).size, 5000);
    assert.equal(taken.at(-1), 'DE1-5000');
    for (const id of taken) ids.release('127.0.0.1', id);
  }
});
