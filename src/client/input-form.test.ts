import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readInputForm, type FormField } from './index.ts';

function kinds(fields: readonly FormField[] | undefined): Record<string, string> {
  return Object.fromEntries((fields ?? []).map((field) => [field.name, field.kind]));
}

describe('readInputForm', () => {
  test('no schema: nothing to fill in', () => {
    assert.equal(readInputForm(null), undefined);
  });

  test('a bare scalar is one field that is the whole input', () => {
    const form = readInputForm({ type: 'string', title: 'Música' });
    assert.deepEqual(form, {
      shape: 'single',
      fields: [
        {
          kind: 'text',
          pointer: '',
          name: '',
          title: 'Música',
          description: undefined,
          isRequired: true,
          initialDraft: '',
          minLength: undefined,
          maxLength: undefined,
          format: undefined,
        },
      ],
    });
  });

  test('each property of the subset becomes a field of its kind', () => {
    const form = readInputForm({
      type: 'object',
      required: ['song', 'volume'],
      properties: {
        song: {
          type: 'string',
          title: 'Song',
          description: 'What to play',
          minLength: 1,
          maxLength: 40,
          default: 'Aquarela',
        },
        volume: { type: 'integer', minimum: 0, maximum: 10, multipleOf: 2, default: 4 },
        balance: { type: 'number', exclusiveMinimum: -1, exclusiveMaximum: 1 },
        loud: { type: 'boolean', default: false },
        source: { enum: ['fm', 'am'], default: 'am' },
        stations: { type: 'array', items: { type: 'number' }, minItems: 1, maxItems: 5, default: [88.1, 99] },
      },
    });
    assert.equal(form?.shape, 'object');
    assert.deepEqual(kinds(form?.fields), {
      song: 'text',
      volume: 'number',
      balance: 'number',
      loud: 'boolean',
      source: 'choice',
      stations: 'list',
    });
    const initial = Object.fromEntries(form?.fields.map((field) => [field.name, field.initialDraft]) ?? []);
    assert.deepEqual(initial, {
      song: 'Aquarela',
      volume: '4',
      balance: '',
      loud: 'false',
      source: 'am',
      stations: '[88.1,99]',
    });
    assert.deepEqual(
      form?.fields.filter((field) => field.isRequired).map((field) => field.title),
      ['Song', 'volume'],
    );
    assert.equal(form?.fields[0]?.description, 'What to play');
  });

  test('a property beyond the subset is typed as JSON, the others stay fields', () => {
    const form = readInputForm({
      properties: {
        name: { type: 'string' },
        place: { type: 'object', properties: { x: { type: 'number' } } },
        either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
        two: { type: ['string', 'null'] },
        matrix: { type: 'array', items: { type: 'array' } },
        pair: { type: 'array', prefixItems: [{ type: 'string' }] },
        anything: true,
        odd: { type: 'string', not: { const: 'x' } },
      },
    });
    assert.deepEqual(kinds(form?.fields), {
      name: 'text',
      place: 'json',
      either: 'json',
      two: 'json',
      matrix: 'json',
      pair: 'json',
      anything: 'json',
      odd: 'json',
    });
  });

  test('a schema beyond the subset is typed as JSON as a whole', () => {
    for (const schema of [
      {},
      { type: 'object' },
      { type: 'object', properties: {} },
      { type: 'array', items: {} },
      { type: 'null' },
      { properties: { a: { type: 'string' } }, oneOf: [{ required: ['a'] }] },
      { properties: { a: { type: 'string' } }, dependentRequired: { a: ['b'] } },
      { type: 'object', properties: 'many' },
    ]) {
      const form = readInputForm(schema);
      assert.equal(form?.shape, 'single', JSON.stringify(schema));
      assert.deepEqual(kinds(form.fields), { '': 'json' });
    }
  });

  test('an object that may have no member has no field', () => {
    const form = readInputForm({ type: 'object', properties: {}, additionalProperties: false });
    assert.deepEqual(form, { shape: 'object', fields: [] });
  });

  test('choices of values that look alike are told apart', () => {
    const [field] = readInputForm({ enum: ['1', 1, true, null] })?.fields ?? [];
    assert.ok(field?.kind === 'choice');
    assert.deepEqual(
      field.choices.map((choice) => choice.label),
      ['"1"', '1', 'true', 'null'],
    );
    const [plain] = readInputForm({ enum: ['a', 2] })?.fields ?? [];
    assert.ok(plain?.kind === 'choice');
    assert.deepEqual(
      plain.choices.map((choice) => choice.label),
      ['a', '2'],
    );
  });

  test('a value that must be is already there', () => {
    assert.equal(readInputForm({ const: 'on' })?.fields[0]?.initialDraft, 'on');
    const form = readInputForm({ properties: { mode: { const: 'on' } } });
    assert.equal(form?.fields[0]?.initialDraft, '', 'an optional one is not chosen for anybody');
  });

  test('defaults and limits of the wrong kind are left out', () => {
    const form = readInputForm({
      properties: { a: { type: 'integer', default: 'x', minimum: '3' }, b: { enum: ['x'], default: 'y' } },
    });
    assert.deepEqual(
      form?.fields.map((field) => field.initialDraft),
      ['', ''],
    );
    assert.ok(form?.fields[0]?.kind === 'number' && form.fields[0].minimum === undefined);
  });

  test('names are escaped in pointers', () => {
    assert.equal(
      readInputForm({ properties: { 'a/b~c': { type: 'string' } } })?.fields[0]?.pointer,
      '/a~1b~0c',
    );
  });
});
