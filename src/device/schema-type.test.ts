import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDevice } from './device.ts';

/** Compiles only for a value of exactly the type `Expected`. */
function check<Expected>(): <Actual>(
  value: Actual & ([Expected] extends [Actual] ? Expected : never),
) => Actual {
  return (value) => value;
}

test('handlers know the type of their input from the schema, and report knows the metrics', () => {
  const device = createDevice({
    id: 'typed',
    telemetry: { temperature: { unit: '°C' }, door: {} },
    commands: {
      none: { run: ({ input }) => check<undefined>()(input) },
      number: { input: { type: 'number', minimum: 5 }, run: ({ input }) => check<number>()(input) },
      text: { input: { type: 'string' }, run: ({ input }) => check<string>()(input) },
      choice: {
        input: { enum: ['eco', 'boost'] },
        run: ({ input }) => check<'eco' | 'boost'>()(input),
      },
      list: {
        input: { type: 'array', items: { type: 'integer' } },
        run: ({ input }) => check<readonly number[]>()(input),
      },
      object: {
        input: {
          type: 'object',
          properties: { song: { type: 'string' }, volume: { type: 'number' } },
          required: ['song'],
        },
        run: ({ input }) => {
          check<string>()(input.song);
          check<number | undefined>()(input.volume);
        },
      },
      anything: { input: { title: 'Whatever' }, run: ({ input }) => check<unknown>()(input) },
    },
  });
  assert.equal(device.report({ temperature: 21.5 }), 'queued');
  // @ts-expect-error -- a metric that was not declared is a typing mistake
  device.report({ temperatur: 21.5 });
});
