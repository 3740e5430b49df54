import type { Command, Device, InvocationResult } from '../../../client/index.ts';
import type { Desk } from '../desk.ts';
import type { Say } from '../messages.ts';
import { explainFailure, sayPhases } from '../failure-words.ts';
import { sayShortDuration } from '../time-words.ts';
import { valueLines } from '../value-lines.ts';
import { EMPTY_ROW, wrapLines, type Area, type Row, type Tone } from '../../ui/rows.ts';
import { factRows, type Fact } from '../../ui/fact-rows.ts';

type Request = { readonly input?: unknown };

export function drawWaiting(
  waiting: { readonly device: Device; readonly command: Command; readonly waitedMs: number },
  { say }: Desk,
): Row[] {
  const { device, command, waitedMs } = waiting;
  // Whole tenths jump too fast to read: the time is told in steps of a quarter of a second at most.
  const time = waitedMs < 1000 ? '' : sayShortDuration(say, Math.floor(waitedMs / 500) * 500);
  return [
    [{ text: command.title, tone: 'strong' }],
    EMPTY_ROW,
    [{ text: say('answer.waiting', { id: device.deviceId, time }), tone: 'dim' }],
  ];
}

export function drawResult(
  done: { readonly result: InvocationResult; readonly tookMs: number; readonly request: Request },
  desk: Desk,
  area: Area,
): Row[] {
  const { say, clock } = desk;
  const { output, invocation } = done.result;
  const facts: Fact[] = [
    ...inputFact(done.request, say),
    { label: say('answer.reached'), text: sayPhases(invocation, say, clock.now()), tone: 'dim' },
    { label: say('answer.invocation'), text: invocation.id, tone: 'dim' },
  ];
  return [
    [
      { text: '✓ ', tone: 'good' },
      { text: say('answer.done', { time: sayShortDuration(say, done.tookMs) }), tone: 'dim' },
    ],
    EMPTY_ROW,
    ...(output === null ? textRows(say('answer.nothing'), area) : valueRows(output, desk, area)),
    EMPTY_ROW,
    ...factRows(
      facts.filter((fact) => fact.text !== ''),
      area,
    ),
  ];
}

export function drawFailure(
  failed: { readonly error: unknown; readonly request: Request },
  desk: Desk,
  area: Area,
): Row[] {
  const { say, clock } = desk;
  const { title, code, detail, facts, payload } = explainFailure(failed.error, say, clock.now());
  const more: Fact[] = [
    ...inputFact(failed.request, say),
    ...facts.map(([label, text]) => ({ label, text })),
  ];
  if (code !== '') more.push({ label: say('answer.code'), text: code });
  return [
    [
      { text: '✗ ', tone: 'bad' },
      { text: title, tone: 'bad' },
    ],
    EMPTY_ROW,
    ...(detail === '' ? [] : [...textRows(detail, area), EMPTY_ROW]),
    ...factRows(more, area),
    ...(payload === undefined ? [] : [EMPTY_ROW, ...valueRows(payload, desk, area)]),
  ];
}

export function drawGivenUp({ say }: Desk, area: Area): Row[] {
  return [
    [{ text: say('answer.given-up'), tone: 'warn' }],
    EMPTY_ROW,
    ...textRows(say('answer.given-up.detail'), area),
  ];
}

function textRows(text: string, area: Area, tone: Tone = 'plain'): Row[] {
  return wrapLines(text, area.columns).map((line) => [{ text: line, tone }]);
}

function valueRows(value: unknown, { say }: Desk, area: Area): Row[] {
  const { lines, cut } = valueLines(value, say);
  return [
    ...factRows(lines, area),
    ...(cut === 0 ? [] : textRows(say('answer.cut', { count: cut }), area, 'dim')),
  ];
}

function inputFact({ input }: Request, say: Say): Fact[] {
  if (input === undefined) return [];
  return [{ label: say('answer.input'), text: typeof input === 'string' ? input : JSON.stringify(input) }];
}
