import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  applyMapping,
  findReferences,
  isConstant,
  readMapping,
  type Mapping,
  type MappingSources,
} from './mapping.ts';
import { PAYLOAD_WORDS, ANSWER_WORDS } from './route-leaf.ts';

function read(written: unknown, words = ANSWER_WORDS): Mapping {
  const reading = readMapping(written, words);
  assert.ok(reading.ok, JSON.stringify(reading));
  return reading.value;
}

function apply(written: unknown, sources: MappingSources): unknown {
  return applyMapping(read(written), sources);
}

function messages(written: unknown, words = ANSWER_WORDS): string[] {
  const reading = readMapping(written, words);
  return reading.ok ? [] : reading.failure.map(({ steps, message }) => `${steps.join('.')}: ${message}`);
}

describe('a mapping', () => {
  const answer = { message: 'pong', list: [{ b: 1 }, null], 'a b': 2, ação: 3, empty: null };

  it('puts the answer and the request where their words stand', () => {
    const request = { ask: 'ping' };
    assert.deepEqual(apply({ message: '$.message', received: '$request' }, { answer, request }), {
      message: 'pong',
      received: { ask: 'ping' },
    });
    assert.deepEqual(apply({ response: '$answer' }, { answer: [1] }), { response: [1] });
    assert.equal(apply('$request.ask', { request }), 'ping');
  });

  it('follows names, numbers and quoted names', () => {
    const paths = { first: '$.list[0].b', quoted: '$answer["a b"]', letters: '$.ação', nothing: '$.empty' };
    assert.deepEqual(apply(paths, { answer }), { first: 1, quoted: 2, letters: 3, nothing: null });
  });

  it('leaves out what leads nowhere; in a list it is null', () => {
    assert.deepEqual(apply({ a: '$.none', b: '$.message.x', c: ['$.none'] }, { answer }), { c: [null] });
    assert.equal(apply('$.none', { answer }), undefined);
    assert.deepEqual(apply({ a: '$.list["0"]', b: '$.list[9]', c: '$["list"].length' }, { answer }), {});
  });

  it('finds nothing that a value has not got itself', () => {
    for (const path of [
      '$.constructor',
      '$.__proto__',
      '$.toString',
      '$.list.constructor',
      '$.message.length',
    ])
      assert.equal(apply(path, { answer }), undefined, path);
  });

  it('takes everything else as it stands, and $$ for a $', () => {
    const literal = { text: 'a $ b', number: 1.5, no: false, none: null, list: [1, 'x'], empty: {} };
    assert.deepEqual(apply(literal, {}), literal);
    assert.equal(apply('$$.message', { answer }), '$.message');
    assert.equal(apply('$$', {}), '$');
  });

  it('makes a member called __proto__ a member', () => {
    const value = apply(JSON.parse('{"__proto__": {"isAdmin": true}}'), {}) as Record<string, unknown>;
    assert.equal(JSON.stringify(value), '{"__proto__":{"isAdmin":true}}');
    assert.equal(value['isAdmin'], undefined);
  });

  it('tells every word and path that is wrong, and where', () => {
    assert.deepEqual(messages({ a: '$anwser', b: ['$.x', '$..x'], c: '$.a[x]' }), [
      'a: "$anwser" refers to nothing: here are $answer, $request, $status (a text that begins with $ is written $$…)',
      'b.1: "$..x" is no path: write names and numbers, as $.name[0] or $.name["a b"]',
      'c: "$.a[x]" is no path: write names and numbers, as $.name[0] or $.name["a b"]',
    ]);
    assert.equal(messages('$answer', PAYLOAD_WORDS).length, 1);
    assert.equal(messages('$.body', PAYLOAD_WORDS).length, 1, 'only an answer has a short name');
    assert.equal(messages('$5 off').length, 1);
  });

  it('is no deeper than 32 levels', () => {
    const nest = (levels: number): unknown => (levels === 0 ? 1 : [nest(levels - 1)]);
    assert.deepEqual(messages(nest(32)), []);
    assert.match(messages(nest(33))[0] ?? '', /nested deeper than 32 levels/);
  });

  it('knows whether it refers to anything', () => {
    assert.equal(isConstant(read({ ask: 'ping', n: [1] })), true);
    assert.equal(isConstant(read({ ask: ['$request'] })), false);
    const references = findReferences(read({ a: '$body.x', b: ['$params.id'] }, PAYLOAD_WORDS));
    assert.deepEqual(
      references.map(({ root, steps }) => [root, ...steps]),
      [
        ['body', 'x'],
        ['params', 'id'],
      ],
    );
  });
});
