import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HubAnswerError, HubUnreachableError, ProblemError, readInputForm } from '../../client/index.ts';
import { sayDraftProblem, sayFieldHint } from './draft-words.ts';
import { sayIssue } from './issue-words.ts';
import { explainFailure, sayUnreachable } from './failure-words.ts';
import { createSay } from '../messages.ts';
import { msSince, sayDuration, sayShortDuration, sayTime } from './time-words.ts';
import { MAX_VALUE_LINES, valueLines } from './value-lines.ts';

const say = createSay('en');
const NOW = Date.parse('2026-11-22T10:00:00.000Z');

describe('times', () => {
  test('durations in one unit', () => {
    const durations: [number, string][] = [
      [-5, '0 s'],
      [59_999, '59 s'],
      [60_000, '1 min'],
      [119 * 60_000, '119 min'],
      [120 * 60_000, '2 h'],
      [47 * 3_600_000, '47 h'],
      [48 * 3_600_000, '2 d'],
    ];
    for (const [ms, text] of durations) assert.equal(sayDuration(ms), text);
    assert.deepEqual(
      [0.4, 999, 1234, 12_345].map((ms) => sayShortDuration(say, ms)),
      ['0 ms', '999 ms', '1.2 s', '12 s'],
    );
    assert.equal(sayShortDuration(createSay('pt-BR'), 1234), '1,2 s');
  });

  test('times of another day have the day', () => {
    const at = new Date(2026, 10, 22, 7, 5, 9).getTime();
    assert.equal(sayTime(at, at), '07:05:09');
    assert.equal(sayTime(at, at + 3 * 86_400_000), '2026-11-22 07:05');
    assert.equal(sayTime(Number.NaN, at), '?');
  });

  test('a clock ahead of ours counts as now', () => {
    assert.equal(msSince('2026-11-22T10:00:05.000Z', NOW), 0);
    assert.equal(msSince('2026-11-22T09:59:55.000Z', NOW), 5000);
    assert.equal(msSince('never', NOW), 0);
  });
});

describe('valueLines', () => {
  test('shows members, lists and what is empty', () => {
    const { lines, cut } = valueLines(
      { on: true, at: { x: 1, y: [] }, list: ['a', { b: null }], text: '', none: {} },
      say,
    );
    assert.equal(cut, 0);
    assert.deepEqual(
      lines.map(({ depth, label, text }) => [depth, label, text]),
      [
        [0, 'on', 'true'],
        [0, 'at', ''],
        [1, 'x', '1'],
        [1, 'y', '(empty list)'],
        [0, 'list', ''],
        [1, '1.', 'a'],
        [1, '2.', ''],
        [2, 'b', '(nothing)'],
        [0, 'text', '(empty text)'],
        [0, 'none', '(no members)'],
      ],
    );
  });

  test('a plain value is one line', () => {
    assert.deepEqual(valueLines('two\nlines', say).lines, [{ depth: 0, label: '', text: 'two\nlines' }]);
    assert.deepEqual(valueLines(25, say).lines, [{ depth: 0, label: '', text: '25' }]);
  });

  test('what is too long is cut and counted, what is too deep is JSON', () => {
    const { lines, cut } = valueLines(
      Array.from({ length: MAX_VALUE_LINES + 7 }, (_, index) => index),
      say,
    );
    assert.equal(lines.length, MAX_VALUE_LINES);
    assert.equal(cut, 7);
    let deep: unknown = 'end';
    for (let level = 0; level < 20; level++) deep = { in: deep };
    assert.match(valueLines(deep, say).lines.at(-1)?.text ?? '', /^\{"in":/);
  });
});

describe('explainFailure', () => {
  test('a problem, with everything that is known', () => {
    const invocation = {
      id: 'i1',
      deviceId: 'DE1',
      command: 'x',
      state: 'failed',
      phases: { accepted: '2026-11-22T10:00:00.000Z', sent: '2026-11-22T10:00:00.012Z' },
    } as const;
    const problem = {
      type: '',
      code: 'DEVICE_ERROR',
      title: 'The device answered that the command failed',
      status: 409,
      detail: 'The device answered that the command failed',
      safeToRetry: false,
      errors: [{ pointer: '/a', message: 'is bad' }],
      invocation,
      device: { code: 'JAMMED', message: 'Stuck', payload: [1] },
    };
    const told = explainFailure(new ProblemError(problem, 2500), say, NOW);
    assert.equal(told.title, 'The device answered that it failed');
    assert.equal(told.code, 'DEVICE_ERROR · 409');
    assert.equal(told.detail, '', 'a detail that only repeats the title is left out');
    assert.deepEqual(told.payload, [1]);
    assert.deepEqual(
      told.facts.map(([label]) => label),
      ['/a', 'The device said', 'Reached', 'Safe to send again', 'Try again in', 'Invocation'],
    );
    assert.match(told.facts[2]?.[1] ?? '', /^accepted .* · sent \+12 ms$/);
  });

  test('a problem that only a newer hub knows is told in its own words', () => {
    const problem = { type: '', code: 'BRAND_NEW', title: 'Something new', status: 418, detail: 'teapot' };
    const told = explainFailure(new ProblemError(problem), say, NOW);
    assert.equal(told.title, 'Something new');
    assert.equal(told.detail, 'teapot');
  });

  test('no answer, or a strange one, says what to do', () => {
    const url = 'http://hub:5070';
    const gone = explainFailure(
      new HubUnreachableError({ url, reason: 'broken', safeToRetry: false }),
      say,
      NOW,
    );
    assert.match(gone.detail, /broke before the answer/);
    const strange = new HubAnswerError({ url, status: 200, detail: 'is not JSON', safeToRetry: true });
    assert.match(explainFailure(strange, say, NOW).detail, /no Recado hub\. Check the port/);
    const moved = new HubAnswerError({
      url,
      status: 301,
      detail: 'x',
      location: 'https://hub/',
      safeToRetry: true,
    });
    assert.equal(sayUnreachable(moved, say), 'http://hub:5070 sends to https://hub/. Use that address.');
  });
});

describe('fields', () => {
  test('hints say what a field takes', () => {
    const hints: [object, string][] = [
      [{ type: 'string', minLength: 1, maxLength: 9 }, 'text, 1 to 9 characters'],
      [{ type: 'string', format: 'date' }, 'text, as 2026-11-22'],
      [{ type: 'integer', minimum: 0 }, 'whole number, at least 0'],
      [
        { type: 'number', exclusiveMinimum: 0, maximum: 5, multipleOf: 0.5 },
        'number, at most 5, above 0, in steps of 0.5',
      ],
      [{ type: 'boolean' }, 'yes / no'],
      [{ enum: ['a', 'b'] }, 'one of a, b'],
      [
        { type: 'array', items: { type: 'integer' }, maxItems: 3 },
        'several, with commas between, at most 3, whole number',
      ],
      [{}, 'JSON'],
    ];
    for (const [schema, hint] of hints) {
      const field = readInputForm(schema as Record<string, unknown>)?.fields[0];
      assert.ok(field !== undefined);
      assert.equal(sayFieldHint(field, say), hint);
    }
  });

  test('problems say what to do', () => {
    assert.equal(
      sayDraftProblem({ kind: 'below', limit: 3, isExclusive: true }, say),
      'It must be more than 3.',
    );
    assert.equal(
      sayDraftProblem(
        { kind: 'wrong-item', item: 2, problem: { kind: 'wrong-format', format: 'date' } },
        say,
      ),
      'Value 2: Write it like 2026-11-22.',
    );
    assert.equal(sayDraftProblem({ kind: 'wrong-format', format: 'iri' }, say), 'It must be written as iri.');
  });

  test('of the hub are there for every keyword that a device may use, and are its own for others', () => {
    type Limited = [keyword: string, limit: number | string | string[]];
    const limits: Limited[] = [
      ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].map((word): Limited => [
        word,
        7,
      ]),
      ...['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'].map(
        (word): Limited => [word, 7],
      ),
      ...['maxInputDepth', 'maxInputValues', 'maxLineBytes', 'maxCommandBytes'].map((word): Limited => [
        word,
        7,
      ]),
      ...['type', 'enum', 'const', 'format'].map((word): Limited => [word, '7']),
      ...['required', 'additionalProperties', 'enum'].map((word): Limited => [word, ['a', '7']]),
    ];
    for (const language of ['en', 'pt-BR'] as const) {
      const words = createSay(language);
      for (const [keyword, limit] of limits) {
        const said = sayIssue({ pointer: '', message: 'must', keyword, limit }, words);
        assert.match(said, /7.*\.$/, keyword);
      }
      for (const keyword of ['required', 'enum', 'const', 'anyOf', 'oneOf', 'not', 'boolean'])
        assert.match(sayIssue({ pointer: '', message: 'must', keyword }, words), /^[^{]{12,}\.$/, keyword);
    }
    const unknown = { pointer: '', message: 'must be prime', keyword: 'prime', limit: 7 };
    assert.equal(sayIssue(unknown, say), 'must be prime');
    assert.equal(sayIssue({ pointer: '', message: 'of an older hub' }, say), 'of an older hub');
  });
});
