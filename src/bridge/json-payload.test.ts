import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { agentLine, gatewayLine, showJson } from './bridge-lines.ts';
import { readPayload, spaceJson } from './json-payload.ts';

describe('readPayload', () => {
  it('keeps JSON as it came, and puts everything else into raw', () => {
    assert.deepEqual(readPayload('{"ask": "ping"}'), { value: { ask: 'ping' }, json: '{"ask": "ping"}' });
    assert.deepEqual(readPayload('12345678901234567890').json, '12345678901234567890');
    assert.deepEqual(readPayload('hello'), { value: { raw: 'hello' }, json: '{"raw":"hello"}' });
    assert.deepEqual(readPayload(''), { value: { raw: '' }, json: '{"raw":""}' });
    assert.deepEqual(readPayload('null').value, null);
  });
});

describe('spaceJson and showJson', () => {
  it('write JSON as json.dumps of Python does', () => {
    const json = '{"a":"x:y,z","b":[1,"\\"",{}],"c":{"d":null}}';
    const spaced = '{"a": "x:y,z", "b": [1, "\\"", {}], "c": {"d": null}}';
    assert.equal(spaceJson(json), spaced);
    assert.equal(showJson(json), spaced);
    assert.equal(showJson(JSON.stringify(JSON.parse(json), null, 4)), spaced, 'whatever space it had');
  });

  it('change nothing but the space', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        const compact = JSON.stringify(JSON.parse(json));
        assert.equal(JSON.stringify(JSON.parse(spaceJson(compact))), compact);
        assert.equal(showJson(compact).slice(0, 1990), spaceJson(compact).slice(0, 1990));
      }),
    );
  });

  it('leave large texts as they are, and cut long lines', () => {
    const json = JSON.stringify({ text: 'x'.repeat(70_000), n: [1, 2] });
    assert.equal(spaceJson(json), json);
    assert.equal(showJson(json).length, 2001);
    assert.ok(showJson(json).endsWith('x…'));
  });
});

describe('the lines of gateways and agents', () => {
  it('are those of the programs that they stand in for', () => {
    const reply = '{"message":"pong","received":{"ask":"ping"}}';
    assert.equal(
      agentLine('{"ask":"ping"}', reply),
      'request: {"ask": "ping"} -> response: {"message": "pong", "received": {"ask": "ping"}}',
    );
    assert.equal(
      gatewayLine('api/ping/response', reply),
      'Topic: api/ping/response, Message: {"message": "pong", "received": {"ask": "ping"}}',
    );
  });
});
