import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { parsePayloadJson } from '../../src/gateways/home-assistant/template/payload-json.ts';
import { readTemplate } from '../../src/gateways/home-assistant/template/template.ts';
import { TemplateMaker, type Sample } from './template-maker.ts';

const PYTHON = '/usr/bin/python3';
const PEER = `${import.meta.dirname}/jinja_peer.py`;
const SAMPLES = 1500;
/** What may be refused that Jinja understands: the subset is one. */
const MAX_REFUSED_SHARE = 0.1;
const hasJinja = spawnSync(PYTHON, ['-c', 'import jinja2']).status === 0;

/** What Jinja makes of each; null where it raises. */
function askJinja(samples: readonly Sample[]): (string | null)[] {
  const input = JSON.stringify(samples.map(({ template, payload }) => [template, payload]));
  const { status, stdout, stderr } = spawnSync(PYTHON, [PEER], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as (string | null)[];
}

/** What we make of it; undefined where we refuse. */
function render({ template, payload }: Sample): string | undefined {
  const read = readTemplate(template);
  if (!read.ok) return undefined;
  const made = read.value.render({ value: payload, value_json: parsePayloadJson(payload) });
  return made.ok ? made.value : undefined;
}

describe("templates beside Jinja's", { skip: hasJinja ? false : 'python3-jinja2 is not installed' }, () => {
  const seed = Number(process.env['JINJA_SEED'] ?? 1);

  it(`give the same text for what is made from seed ${seed}, or are refused, and never another text`, () => {
    const maker = new TemplateMaker(seed);
    const samples = Array.from({ length: SAMPLES }, () => maker.sample());
    const wanted = askJinja(samples);
    const judged = samples.map((sample, index) => ({
      ...sample,
      wanted: wanted[index]!,
      made: render(sample),
    }));
    const wrong = judged.filter(({ wanted, made }) => made !== undefined && made !== wanted);
    assert.deepEqual(wrong.slice(0, 10), []);
    const possible = judged.filter((each) => each.wanted !== null);
    const refused = possible.filter(({ made }) => made === undefined);
    assert.ok(possible.length > SAMPLES / 3, `only ${possible.length} of ${SAMPLES} gave a text`);
    assert.ok(
      refused.length < possible.length * MAX_REFUSED_SHARE,
      `${refused.length} of ${possible.length} refused: ${JSON.stringify(refused.slice(0, 5))}`,
    );
  });
});
