import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readDraft, readDrafts, readInputForm, type DraftOptions, type JsonSchema } from './index.ts';

/** What a draft in a field of this schema becomes: the value, `absent`, or the problem. */
function read(schema: JsonSchema, draft: string, options?: DraftOptions): unknown {
  const field = readInputForm(schema)?.fields[0];
  assert.ok(field !== undefined);
  const reading = readDraft(field, draft, options);
  if (reading.kind === 'value') return reading.value;
  return reading.kind === 'problem' ? reading.problem : 'absent';
}

describe('readDraft', () => {
  test('text stands for itself, spaces and all', () => {
    assert.equal(read({ type: 'string' }, ' two  words '), ' two  words ');
    assert.equal(read({ type: 'string' }, 'null'), 'null');
    assert.deepEqual(read({ type: 'string' }, ''), { kind: 'missing' });
    assert.equal(read({ type: 'string' }, '""'), '', 'the empty text can be meant');
    assert.deepEqual(read({ type: 'string', minLength: 1 }, '""'), { kind: 'too-short', limit: 1 });
  });

  test('the length of a text is counted in characters', () => {
    assert.equal(read({ type: 'string', maxLength: 2 }, '🌡️'.normalize()), '🌡️');
    assert.equal(read({ type: 'string', minLength: 2, maxLength: 2 }, '😀é'), '😀é');
    assert.deepEqual(read({ type: 'string', minLength: 3 }, '😀é'), { kind: 'too-short', limit: 3 });
    assert.deepEqual(read({ type: 'string', maxLength: 3 }, 'four'), { kind: 'too-long', limit: 3 });
  });

  test('formats', () => {
    const good: [string, string][] = [
      ['date', '2026-02-28'],
      ['time', '23:59:59Z'],
      ['date-time', '2026-11-22T10:00:00.000-03:00'],
      ['email', 'ana@example.org'],
      ['ipv4', '127.0.0.1'],
      ['uri', 'http://x/'],
      ['uuid', '3f2504e0-4f89-11d3-9a0c-0305e82c3301'],
      ['unheard-of', 'anything'],
    ];
    for (const [format, text] of good) assert.equal(read({ type: 'string', format }, text), text);
    const bad: [string, string][] = [
      ['date', '2026-02-30'],
      ['date', 'tomorrow'],
      ['time', '24:00:00Z'],
      ['date-time', '2026-11-22 10:00'],
      ['date-time', '2026-13-01T10:00:00Z'],
      ['email', 'ana'],
      ['ipv4', '300.1.1.1'],
      ['ipv4', '1.2.3.'],
      ['uri', 'no'],
      ['uuid', '3f2504e0'],
    ];
    for (const [format, text] of bad)
      assert.deepEqual(read({ type: 'string', format }, text), { kind: 'wrong-format', format }, text);
  });

  test('numbers', () => {
    const numbers: [string, number][] = [
      ['12', 12],
      [' -3.5 ', -3.5],
      ['+1', 1],
      ['.5', 0.5],
      ['5.', 5],
      ['1e3', 1000],
      ['007', 7],
    ];
    for (const [draft, value] of numbers) assert.equal(read({ type: 'number' }, draft), value);
    for (const draft of ['12a', '0x10', 'NaN', 'Infinity', '1e999', '1 2', '--1', '1,5', 'true']) {
      assert.deepEqual(read({ type: 'number' }, draft), { kind: 'not-a-number' }, draft);
    }
    assert.deepEqual(read({ type: 'integer' }, '1.5'), { kind: 'not-whole' });
    assert.equal(read({ type: 'integer' }, '1.0'), 1);
    assert.deepEqual(read({ type: 'integer' }, '9007199254740993'), { kind: 'too-precise' });
  });

  test('a comma is a decimal point where people write it so', () => {
    assert.equal(read({ type: 'number' }, '21,5', { decimalComma: true }), 21.5);
    assert.equal(read({ type: 'number' }, '21.5', { decimalComma: true }), 21.5);
    for (const draft of ['1.000,5', '1,2,3']) {
      assert.deepEqual(read({ type: 'number' }, draft, { decimalComma: true }), { kind: 'not-a-number' });
    }
  });

  test('limits of numbers', () => {
    const schema = { type: 'number', minimum: 0, exclusiveMaximum: 10, multipleOf: 0.1 };
    assert.equal(read(schema, '0'), 0);
    assert.equal(read(schema, '0.3'), 0.3);
    assert.deepEqual(read(schema, '-1'), { kind: 'below', limit: 0, isExclusive: false });
    assert.deepEqual(read(schema, '10'), { kind: 'above', limit: 10, isExclusive: true });
    assert.deepEqual(read(schema, '0.35'), { kind: 'no-multiple', limit: 0.1 });
    assert.deepEqual(read({ type: 'number', exclusiveMinimum: 1 }, '1'), {
      kind: 'below',
      limit: 1,
      isExclusive: true,
    });
    assert.deepEqual(read({ type: 'number', maximum: 1 }, '2'), {
      kind: 'above',
      limit: 1,
      isExclusive: false,
    });
  });

  test('booleans and choices', () => {
    assert.equal(read({ type: 'boolean' }, 'true'), true);
    assert.equal(read({ type: 'boolean' }, 'false'), false);
    assert.deepEqual(read({ type: 'boolean' }, 'maybe'), { kind: 'no-choice' });
    assert.equal(read({ enum: ['fm', 3, null] }, '3'), 3);
    assert.equal(read({ enum: ['fm', 3, null] }, 'null'), null);
    assert.deepEqual(read({ enum: ['fm'] }, 'am'), { kind: 'no-choice' });
  });

  test('lists, with commas or as JSON', () => {
    const numbers = { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 2, maxItems: 3 };
    assert.deepEqual(read(numbers, '1, 2,3'), [1, 2, 3]);
    assert.deepEqual(read(numbers, '[1, 2]'), [1, 2]);
    assert.deepEqual(read(numbers, '1'), { kind: 'too-few', limit: 2 });
    assert.deepEqual(read(numbers, '1,2,3,4'), { kind: 'too-many', limit: 3 });
    assert.deepEqual(read(numbers, '1,,2'), { kind: 'wrong-item', item: 2, problem: { kind: 'missing' } });
    assert.deepEqual(read(numbers, '1,0'), {
      kind: 'wrong-item',
      item: 2,
      problem: { kind: 'below', limit: 1, isExclusive: false },
    });
    assert.deepEqual(read(numbers, '[1, "2"]'), {
      kind: 'wrong-item',
      item: 2,
      problem: { kind: 'not-a-number' },
    });
    assert.deepEqual(read(numbers, '[1,'), { kind: 'not-json' });
    const texts = { type: 'array', items: { type: 'string' } };
    assert.deepEqual(read(texts, 'a b, c'), ['a b', 'c']);
    assert.deepEqual(read(texts, '["a, b", "c"]'), ['a, b', 'c']);
    assert.deepEqual(read(texts, '[]'), []);
    assert.deepEqual(read({ type: 'array', items: { enum: ['x', 1] } }, '[1, "x"]'), [1, 'x']);
    assert.deepEqual(read({ type: 'array', items: { type: 'boolean' } }, 'true,false'), [true, false]);
  });

  test('JSON', () => {
    assert.deepEqual(read({}, ' {"a": [1, null]} '), { a: [1, null] });
    assert.equal(read({}, 'null'), null);
    assert.deepEqual(read({}, '{a:1}'), { kind: 'not-json' });
  });
});

describe('readDrafts', () => {
  const form = readInputForm({
    type: 'object',
    required: ['song'],
    properties: { song: { type: 'string' }, volume: { type: 'integer' }, ['__proto__']: { type: 'string' } },
  });
  assert.ok(form !== undefined);

  test('fields that were left empty are left out', () => {
    assert.deepEqual(readDrafts(form, new Map([['/song', 'Aquarela']])), {
      ok: true,
      value: { song: 'Aquarela' },
    });
  });

  test('everything that is wrong is told at once', () => {
    assert.deepEqual(readDrafts(form, new Map([['/volume', 'loud']])), {
      ok: false,
      failure: [
        { pointer: '/song', problem: { kind: 'missing' } },
        { pointer: '/volume', problem: { kind: 'not-a-number' } },
      ],
    });
  });

  test('no name of a property can reach the prototype', () => {
    const reading = readDrafts(
      form,
      new Map([
        ['/song', 'x'],
        ['/__proto__', 'y'],
      ]),
    );
    assert.ok(reading.ok);
    assert.equal(JSON.stringify(reading.value), '{"song":"x","__proto__":"y"}');
  });

  test('a bare value is the input itself', () => {
    const single = readInputForm({ type: 'boolean' });
    assert.ok(single !== undefined);
    assert.deepEqual(readDrafts(single, new Map([['', 'false']])), { ok: true, value: false });
  });
});
