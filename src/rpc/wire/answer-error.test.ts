import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readAnswerError } from './answer-error.ts';

function read(payload: string, status?: string): unknown[] | undefined {
  const properties = status === undefined ? {} : { userProperties: [['status', status]] as const };
  const error = readAnswerError({ payload: Buffer.from(payload), properties });
  return error === undefined ? undefined : [error.code, error.status, error.message];
}

it('a failure is told by the status, or by a payload that is nothing else', () => {
  assert.deepEqual(read('{"error":{"code":"A","message":"b"}}'), ['A', 500, 'b']);
  assert.deepEqual(read('{"error":{"code":"A","message":"b","status":404}}'), ['A', 404, 'b']);
  assert.deepEqual(read('{"error":{"code":"A","message":"b","status":404}}', '409'), ['A', 409, 'b']);
  assert.deepEqual(read('not JSON', '503'), ['INTERNAL', 503, 'it has the status 503']);
  assert.equal(read('{"error":{"code":"A","message":"b"}}', '200'), undefined);
});

it('a failure has a status of a failure, whatever it says', () => {
  for (const status of ['700', '-1', '404.5', '200', '1e9'])
    assert.equal(read(`{"error":{"code":"A","message":"b","status":${status}}}`)?.[1], 500, status);
  assert.deepEqual(read('x', '700'), ['INTERNAL', 500, 'it has the status 700']);
  assert.equal(read('{"error":{"code":"A","message":"b","status":404}}', '700')?.[1], 404);
});

it('everything else is an answer', () => {
  for (const payload of [
    '',
    '1',
    '{',
    '{"error":"text"}',
    '{"error":null}',
    '{"error":{"code":1,"message":"b"}}',
    '{"error":{"code":"A","message":"b"},"more":1}',
    '[{"error":{"code":"A","message":"b"}}]',
  ])
    assert.equal(read(payload), undefined, payload);
  assert.equal(read('x', 'no number'), undefined);
});
