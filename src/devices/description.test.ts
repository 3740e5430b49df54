import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeviceId, readDescription } from './description.ts';

const pointers = (value: unknown): string[] => {
  const result = readDescription(value);
  return result.ok ? [] : result.failure.map((issue) => issue.pointer);
};

test('a description with everything in it', () => {
  const result = readDescription({
    title: 'Lamp',
    model: 'L1',
    commands: {
      dim: {
        title: 'Dim',
        kind: 'write',
        input: { type: 'integer' },
        output: true,
        idempotent: true,
        concurrency: 'serial',
        expectedMs: 20,
      },
    },
    telemetry: { power: { title: 'Power', unit: 'W', type: 'number' } },
  });
  assert.equal(result.ok, true);
  if (!result.ok) return;
  assert.deepEqual(result.value.commands, [
    {
      name: 'dim',
      number: 1,
      title: 'Dim',
      kind: 'write',
      input: { type: 'integer' },
      output: {},
      idempotent: true,
      concurrency: 'serial',
      expectedMs: 20,
    },
  ]);
  assert.deepEqual(result.value.telemetry, [{ metric: 'power', title: 'Power', unit: 'W', type: 'number' }]);
});

test('nothing is needed', () => {
  assert.deepEqual(readDescription({}), { ok: true, value: { commands: [], telemetry: [] } });
});

test('each mistake is told with its pointer', () => {
  assert.deepEqual(pointers(5), ['']);
  assert.deepEqual(pointers({ commands: [] }), ['/commands']);
  assert.deepEqual(pointers({ telemetry: 1, title: 7 }), ['/title', '/telemetry']);
  assert.deepEqual(
    pointers({
      commands: {
        a: { kind: 'do', idempotent: 'yes', concurrency: 'many', expectedMs: -1, title: 'x'.repeat(300) },
      },
    }),
    [
      '/commands/a/kind',
      '/commands/a/concurrency',
      '/commands/a/idempotent',
      '/commands/a/expectedMs',
      '/commands/a/title',
    ],
  );
  assert.deepEqual(pointers({ telemetry: { '': {}, x: 4 } }), ['/telemetry/', '/telemetry/x']);
  assert.deepEqual(pointers({ telemetry: { 'a/b~c': 4 } }), ['/telemetry/a~1b~0c']);
  const data = { properties: { 'm/s': { pattern: '~' } }, 'x-/': 1 };
  assert.deepEqual(pointers({ events: { e: { data } } }), [
    '/events/e/data/properties/m~1s/pattern',
    '/events/e/data/x-~1',
  ]);
});

test('schemas of strangers are bounded', () => {
  const withInput = (input: unknown) => pointers({ commands: { a: { input } } });
  let deep: unknown = { type: 'string' };
  for (let level = 0; level < 9; level++) deep = { type: 'object', properties: { a: deep } };
  assert.equal(withInput(deep).length, 1);
  const wide = {
    properties: Object.fromEntries(
      Array.from({ length: 600 }, (_, index) => [`p${index}`, { type: 'string' }]),
    ),
  };
  assert.ok(withInput(wide).length > 0);
  assert.deepEqual(withInput({ anyOf: [{ type: 'string' }, { items: { $ref: '#' } }] }), [
    '/commands/a/input/anyOf/1/items/$ref',
  ]);
  assert.deepEqual(withInput({ type: 'text' }), ['/commands/a/input/type']);
  assert.deepEqual(withInput({ properties: [] }), ['/commands/a/input/properties']);
  assert.deepEqual(withInput('string'), ['/commands/a/input']);
  const repeated = { items: { allOf: Array.from({ length: 200 }, () => ({ minimum: 0 })) } };
  assert.equal(withInput(repeated).length, 1);
  assert.equal(withInput({ items: { enum: Array.from({ length: 200 }, (_, index) => index) } }).length, 1);
  assert.deepEqual(withInput({ enum: Array.from({ length: 200 }, (_, index) => index) }), []);
  for (const keyword of [
    'dependentSchemas',
    'dependencies',
    'unevaluatedProperties',
    'if',
    'contains',
    'propertyNames',
    '$dynamicRef',
    '$defs',
    'uniqueItems',
    'x-anything',
  ]) {
    assert.deepEqual(withInput({ [keyword]: { a: { pattern: '(a+)+$' } } }), [
      `/commands/a/input/${keyword}`,
    ]);
  }
  assert.deepEqual(withInput({ type: ['string', 'null'], enum: ['a', null] }), []);
});

test('too many commands or metrics', () => {
  const many = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`c${index}`, {}]));
  assert.deepEqual(pointers({ commands: many }), ['/commands']);
  assert.deepEqual(pointers({ telemetry: many }), ['/telemetry']);
});

test('device ids', () => {
  for (const good of ['DE11', 'greenhouse-1', 'a:b.c_d', 'x'.repeat(64)])
    assert.equal(isDeviceId(good), true, good);
  for (const bad of ['', '-a', 'a b', 'a/b', 'á', 'x'.repeat(65), '+', '#'])
    assert.equal(isDeviceId(bad), false, bad);
});
