import assert from 'node:assert/strict';
import { it } from 'node:test';
import { unwrapRequest, wrapRequest } from './envelope.ts';

const head = { answerTo: 'a/answers/1/2', deadlineMs: 500, traceparent: undefined };

it('an envelope keeps what is in it', () => {
  const payloads = ['{"big":12345678901234567890123}', ' [1] ', 'no JSON {', '', '"text"', 'null'];
  for (const payload of [...payloads.map((each) => Buffer.from(each)), Buffer.from([0xff, 0, 0x22])]) {
    const envelope = wrapRequest(payload, head);
    const opened = unwrapRequest(envelope);
    assert.deepEqual(opened?.head, head);
    assert.ok(JSON.parse(Buffer.from(envelope).toString()));
  }
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  assert.equal(
    text(wrapRequest(Buffer.from('{"big":12345678901234567890123}'), head)),
    '{"answerTo":"a/answers/1/2","deadlineMs":500,"payload":{"big":12345678901234567890123}}',
  );
  for (const [payload, back] of [
    ['{"a": 1}', '{"a":1}'],
    ['no JSON {', 'no JSON {'],
    ['', ''],
  ] as const)
    assert.equal(
      text(unwrapRequest(wrapRequest(Buffer.from(payload), head))?.payload ?? Buffer.from('?')),
      back,
    );
  const binary = Buffer.from([0xff, 0, 0x22]);
  assert.ok(binary.equals(unwrapRequest(wrapRequest(binary, head))?.payload ?? Buffer.alloc(0)));
});

it('what is no envelope is not opened', () => {
  for (const text of [
    '',
    'x',
    '{}',
    '{"answerTo"',
    '{"answerTo":1,"payload":1}',
    '{"answerTo":"a/+","payload":1}',
    '{"answerTo":"","payload":1}',
    '{"answerTo":"a"}',
    '[{"answerTo":"a","payload":1}]',
    '{"x":"\\"answerTo\\"","payload":1}',
    '{"answerTo":"a","text":1}',
  ])
    assert.equal(unwrapRequest(Buffer.from(text)), undefined, text);
  assert.equal(
    unwrapRequest(Buffer.from('{"payload":1,"answerTo":"a","deadlineMs":"5"}'))?.head.deadlineMs,
    undefined,
  );
});
