// `node bench/ha-templates.ts FILE`: holds the evaluator of Home Assistant's templates against templates that devices
// publish. FILE is JSON: `[{template, cases: [[variables, text], …]}, …]`, with `!ERR` where Home Assistant refuses.
import { readFileSync } from 'node:fs';
import { parsePayloadJson } from '../src/gateways/home-assistant/template/payload-json.ts';
import { readTemplate, type Template } from '../src/gateways/home-assistant/template/template.ts';
import type { TemplateVariables } from '../src/gateways/home-assistant/template/compile-expression.ts';
import { areBarsMet, barsTable } from './bars.ts';

type Sample = {
  readonly template: string;
  readonly cases: readonly (readonly [TemplateVariables, string])[];
};

const REFUSED = '!ERR';
const MIN_EQUAL_SHARE = 0.97;
const MAX_PLAIN_MICROSECONDS = 2;
const RENDERS = 1_000_000;

const [file = ''] = process.argv.slice(2);
const samples = JSON.parse(readFileSync(file, 'utf8')) as readonly Sample[];
const judged = samples.map(({ template, cases }) => ({ template, verdict: judge(template, cases) }));
for (const { template, verdict } of judged.filter((each) => each.verdict.kind !== 'equal'))
  process.stdout.write(`${verdict.kind}: ${verdict.why}\n    ${template.replaceAll('\n', '\n    ')}\n`);

const equal = judged.filter(({ verdict }) => verdict.kind === 'equal').length;
const wrong = judged.filter(({ verdict }) => verdict.kind === 'wrong').length;
const share = equal / samples.length;
const microseconds = measurePlainPath();
const bars = [
  {
    figure: 'templates equal in all cases',
    met: share >= MIN_EQUAL_SHARE,
    measured: `${equal} of ${samples.length}: ${(share * 100).toFixed(1)} %`,
    wanted: `≥ ${MIN_EQUAL_SHARE * 100} %`,
  },
  { figure: 'wrong values', met: wrong === 0, measured: String(wrong), wanted: 'none: refused instead' },
  {
    figure: 'a plain path',
    met: microseconds < MAX_PLAIN_MICROSECONDS,
    measured: `${microseconds.toFixed(3)} µs`,
    wanted: `< ${MAX_PLAIN_MICROSECONDS} µs`,
  },
];
const results = [{ bench: 'ha-templates', bars }];
process.stdout.write(`\n${barsTable(results)}\n`);
process.exitCode = areBarsMet(results) ? 0 : 1;

type Verdict = { readonly kind: 'equal' | 'refused' | 'wrong'; readonly why: string };

function judge(source: string, cases: Sample['cases']): Verdict {
  const read = readTemplate(source);
  if (!read.ok) return { kind: 'refused', why: `${read.failure.message} at ${read.failure.at}` };
  const verdicts = cases.map((one) => judgeCase(read.value, one));
  return (
    verdicts.find(({ kind }) => kind === 'wrong') ??
    verdicts.find(({ kind }) => kind === 'refused') ?? { kind: 'equal', why: '' }
  );
}

function judgeCase(template: Template, [variables, wanted]: Sample['cases'][number]): Verdict {
  const members = parsePayloadJson(JSON.stringify(variables)) as TemplateVariables;
  const made = template.render(members);
  if (!made.ok) return { kind: wanted === REFUSED ? 'equal' : 'refused', why: made.failure };
  if (wanted !== REFUSED && made.value === wanted.trim()) return { kind: 'equal', why: '' };
  return { kind: 'wrong', why: `${JSON.stringify(made.value)} instead of ${JSON.stringify(wanted)}` };
}

/** Of one message and a template with a path in it, in µs, JSON apart. */
function measurePlainPath(): number {
  const read = readTemplate('{{ value_json.sensor.temperature }}');
  if (!read.ok) throw new Error(read.failure.message);
  const variables = {
    value: '{"sensor":{"temperature":21.5}}',
    value_json: { sensor: { temperature: 21.5 } },
  };
  let from = 0;
  for (let count = 0; count < RENDERS * 2; count++) {
    if (count === RENDERS) from = performance.now();
    read.value.render(variables);
  }
  return ((performance.now() - from) / RENDERS) * 1000;
}
