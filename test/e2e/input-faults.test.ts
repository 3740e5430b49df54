import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createDevice } from '../../src/device/index.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { runWithInput } from '../helpers/run-with-input.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

const INPUT = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2 },
    plan: {
      type: 'object',
      required: ['steps'],
      additionalProperties: false,
      properties: {
        mode: { enum: ['eco', 'full', 3] },
        level: { type: ['number', 'null'], maximum: 100 },
        when: { type: 'string', format: 'date' },
        steps: { type: 'array', maxItems: 1 },
      },
    },
  },
};

const WRONG = {
  name: 'x',
  plan: { mode: 'fast', level: 101, when: 'today', extra: 1, steps: [1, 1] },
};

/** A device with a command whose input is nested. */
async function startHub(t: TestContext): Promise<TestHub> {
  const hub = await startTestHub(t, ({ invocations }) => void (invocations.maxInputDepth = 5));
  const device = createDevice({
    id: 'oven-1',
    hub: `127.0.0.1:${hub.tcpPort}`,
    commands: { bake: { kind: 'action', input: INPUT, run: () => 'baked' }, stop: { run: () => 'stopped' } },
  });
  t.after(() => device.stop());
  await device.start();
  return hub;
}

/** What `recado` says to somebody of that locale. */
async function run(locale: string, args: readonly string[], lines: readonly string[] = []): Promise<string> {
  const words = ['/usr/bin/env', `LC_ALL=${locale}`, ...recadoWords(...args)];
  const { output, errors } = await runWithInput(words, lines.map((line) => `${line}\n`).join(''));
  return `${output.toString()}${errors}`;
}

describe('faults of nested input', () => {
  it('come from the API with pointer, keyword and limit', async (t) => {
    const hub = await startHub(t);
    const errorsOf = async (command: string, input: unknown): Promise<unknown[]> => {
      const { status, body } = await hub.call('POST', `/api/v1/devices/oven-1/commands/${command}`, {
        input,
      });
      assert.equal(status, 422);
      const { errors } = body as unknown as {
        errors: { pointer: string; keyword: string; limit: unknown }[];
      };
      return errors.map(({ pointer, keyword, limit }) =>
        [pointer, keyword, limit].filter((each) => each !== undefined),
      );
    };
    assert.deepEqual(
      new Set(await errorsOf('bake', WRONG)),
      new Set([
        ['/name', 'minLength', 2],
        ['/plan', 'additionalProperties', ['extra']],
        ['/plan/extra', 'boolean'],
        ['/plan/mode', 'enum', ['eco', 'full', '3']],
        ['/plan/level', 'maximum', 100],
        ['/plan/when', 'format', 'date'],
        ['/plan/steps', 'maxItems', 1],
      ]),
    );
    assert.deepEqual(await errorsOf('bake', { plan: { level: 'hot' } }), [
      ['/plan', 'required', ['steps']],
      ['/plan/level', 'type', ['number', 'null']],
    ]);
    assert.deepEqual(await errorsOf('bake', undefined), [['', 'required']]);
    assert.deepEqual(await errorsOf('stop', 1), [['', 'boolean']]);
    assert.deepEqual(await errorsOf('bake', [[[[[[1]]]]]]), [['', 'maxInputDepth', 5]]);
  });

  it('are told by recado call in the language of who calls', async (t) => {
    const { url } = await startHub(t);
    const call = (locale: string, input: unknown) =>
      run(locale, ['call', '--url', url, 'oven-1', 'bake', JSON.stringify(input)]);
    const said = await call('pt_BR.UTF-8', WRONG);
    for (const text of [
      /^recado: A entrada não serve para o comando; \//,
      '/name Precisa ter ao menos 2 caracteres;',
      '/plan Não se conhece: extra;',
      '/plan/extra Deixe isto de fora;',
      '/plan/mode Precisa ser um destes: eco, full, 3;',
      '/plan/level Precisa ser no máximo 100;',
      '/plan/when Escreva assim: 2026-11-22;',
      '/plan/steps Dê no máximo 1 valor;',
      /; `recado call DEVICE` mostra o que ele aceita \(INPUT_INVALID\)\n$/,
    ])
      assert.ok(
        typeof text === 'string' ? said.includes(text) : text.test(said),
        `${String(text)} in ${said}`,
      );
    assert.doesNotMatch(said, /must/);
    const english = await call('C', { plan: { level: 'hot' } });
    assert.equal(
      english,
      'recado: The input does not fit the command; /plan This is missing: steps; ' +
        '/plan/level It must be a number or null; `recado call DEVICE` shows what it takes (INPUT_INVALID)\n',
    );
    assert.match(await call('pt', [[[[[[1]]]]]]), /comando; Tem mais de 5 níveis;/);
  });

  it('are told by recado manage in the language of the screens', async (t) => {
    const { url } = await startHub(t);
    const manage = (language: string) => {
      const nested = JSON.stringify({ level: 'hot' });
      return run('C', ['manage', url, '--lang', language], ['1', '1', 'cake', nested, 'q']);
    };
    const portuguese = await manage('pt-BR');
    assert.match(portuguese, /\/plan: Falta: steps\.\n/);
    assert.match(portuguese, /\/plan\/level: Precisa ser um número ou null\.\n/);
    assert.doesNotMatch(portuguese, /must/);
    assert.match(await manage('en'), /\/plan\/level: It must be a number or null\.\n/);
  });
});
