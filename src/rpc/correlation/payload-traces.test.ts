import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AnswerTraces, isSameTrace, traceOf, type Trace } from './payload-traces.ts';

function trace(payload: string): Trace {
  return traceOf(Buffer.from(payload)) ?? assert.fail(`${payload} leaves no trace`);
}

function holds(answer: string, payload: string, others: readonly string[] = []): boolean {
  const traces = AnswerTraces.read(Buffer.from(answer)) ?? assert.fail('nothing to look into');
  return traces.holds(trace(payload), others.map(trace));
}

describe('the trace of a payload', () => {
  it('is found as JSON anywhere, in any spelling', () => {
    const payload = '{"b": [1, {"x": null}], "a": 1}';
    for (const answer of [
      '{"a":1,"b":[1,{"x":null}]}',
      '{"received":{"b":[1,{"x":null}],"a":1}}',
      '[[[{"deep":{"b":[1,{"x":null}],"a":1}}]]]',
      `{"said":${JSON.stringify(payload)}}`,
      `you said ${payload}`,
    ])
      assert.ok(holds(answer, payload), answer);
    for (const answer of ['{"a":1,"b":[1,{"x":0}]}', '{"a":1}', '{"a":1,"b":[{"x":null},1]}', 'x', '""'])
      assert.ok(!holds(answer, payload), answer);
  });

  it('is found as text between other words only', () => {
    assert.ok(holds('echo: req-17', 'req-17'));
    assert.ok(holds('{"raw":"req-17"}', 'req-17'));
    assert.ok(holds('req-17', '"req-17"'));
    for (const answer of ['echo: req-175', 'xreq-17', 'req-17-b', 'éreq-17'])
      assert.ok(!holds(answer, 'req-17'), answer);
    assert.ok(!holds('echo: req-17 b', 'req-17', ['req-17 b']), 'it stands in the text of another');
    assert.ok(holds('echo: req-17 b, req-17', 'req-17', ['req-17 b']));
  });

  it('is none where it could not be told from others', () => {
    for (const payload of ['', '1', 'true', '{}', '[]', 'short', '"four"'])
      assert.equal(traceOf(Buffer.from(payload)), undefined, payload);
    assert.equal(traceOf(Buffer.from([0xff, 0xfe, 1, 2, 3, 4, 5, 6])), undefined);
    assert.equal(traceOf(Buffer.alloc(64 * 1024 + 1, 'x')), undefined);
    assert.equal(AnswerTraces.read(Buffer.alloc(64 * 1024 + 1, 'x')), undefined);
  });

  it('is the same for the same JSON', () => {
    assert.ok(isSameTrace(trace('{"a":1,"b":2}'), trace('{ "b": 2, "a": 1 }')));
    assert.ok(!isSameTrace(trace('{"a":1}'), trace('{"a":2}')));
    assert.ok(isSameTrace(trace('some text'), trace('some text')));
    assert.ok(!isSameTrace(trace('some text'), trace('some texts')));
  });

  it('does not exhaust the stack', () => {
    const deep = `${'['.repeat(5000)}1${']'.repeat(5000)}`;
    assert.equal(AnswerTraces.read(Buffer.from(deep))?.holds(trace('{"a":1}')), false);
  });
});
