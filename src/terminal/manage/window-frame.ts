import type { Hint, Screen } from './desk.ts';
import { sayGoneReason } from './failure-words.ts';
import type { HubStatus } from './hub-session.ts';
import type { Say } from './messages.ts';
import { sayTime } from './time-words.ts';
import { EMPTY_ROW, widthOf, wrapLines, type Area, type Cell, type Row } from '../ui/rows.ts';

export type WindowSize = { readonly columns: number; readonly rows: number };

/** Below this nothing sensible can be shown. */
const MIN_COLUMNS = 24;
const MIN_ROWS = 8;
/** From this height on, lines set the first and last rows apart. */
const ROWS_FOR_RULES = 20;
const HINT_GAP = '   ';
/** How long it is said that the hub is back, in ms. */
const BACK_MS = 10_000;

export type Frame = {
  readonly size: WindowSize;
  /** The way to the screen that is seen. */
  readonly titles: readonly string[];
  readonly screen: Screen;
  readonly status: HubStatus;
  readonly url: string;
  readonly notice: string;
  readonly say: Say;
  readonly now: number;
};

/** The room that the frame leaves to a screen. */
export function bodyArea(size: WindowSize): Area {
  const frameRows = hasRules(size) ? 6 : 3;
  return {
    columns: Math.max(1, size.columns - 2 * marginOf(size)),
    rows: Math.max(1, size.rows - frameRows),
  };
}

/** Draws a whole window: title, the screen, the hub's state, the keys. It has exactly as many rows as the window. */
export function drawFrame(frame: Frame): readonly Row[] {
  const { size } = frame;
  if (size.columns < MIN_COLUMNS || size.rows < MIN_ROWS) return drawTooSmall(frame);
  const margin: Cell = { text: ' '.repeat(marginOf(size)) };
  const area = bodyArea(size);
  const body = [...frame.screen.draw(area)].slice(0, area.rows);
  while (body.length < area.rows) body.push(EMPTY_ROW);
  const rule: Row = [{ text: '─'.repeat(size.columns), tone: 'dim' }];
  const rows = [
    drawTitle(frame),
    ...(hasRules(size) ? [rule, EMPTY_ROW] : []),
    ...body.map((row) => (row.length === 0 ? row : [margin, ...row])),
    ...(hasRules(size) ? [rule] : []),
    drawStatus(frame),
    drawHints(frame),
  ];
  return rows;
}

function marginOf(size: WindowSize): number {
  return size.columns >= 60 ? 2 : 1;
}

function hasRules(size: WindowSize): boolean {
  return size.rows >= ROWS_FOR_RULES;
}

function drawTitle({ titles, size }: Frame): Row {
  const margin = ' '.repeat(marginOf(size));
  const way = titles.slice(0, -1).map((title): Cell => ({ text: ` › ${title}`, tone: 'dim' }));
  return [
    { text: `${margin}Recado`, tone: 'accent' },
    ...way,
    { text: ` › ${titles.at(-1) ?? ''}`, tone: 'strong' },
  ];
}

function drawStatus(frame: Frame): Row {
  const { status, say, notice, now, size } = frame;
  const margin: Cell = { text: ' '.repeat(marginOf(size)) };
  const url = frame.url.replace(/^http:\/\//, '');
  if (status.kind === 'gone') {
    const values = { url, time: sayTime(status.since, now), reason: sayGoneReason(status.error, say) };
    return [
      margin,
      { text: '○ ', tone: 'warn' },
      { text: say('hub.gone', values), width: 'rest', tone: 'warn' },
    ];
  }
  const isBack = status.kind === 'up' && status.wasGone && now - status.since < BACK_MS;
  const text = isBack ? say('hub.back', { url, time: sayTime(status.since, now) }) : url;
  const dot: Cell = status.kind === 'up' ? { text: '● ', tone: 'good' } : { text: '○ ', tone: 'dim' };
  const said: Cell = { text: notice, width: 'rest', align: 'right', tone: 'accent' };
  return [margin, dot, { text, tone: 'dim' }, { text: '  ' }, said, margin];
}

/** As many keys as fit, the most important first. How to go back and where the help is stay in every window. */
function drawHints({ screen, say, size }: Frame): Row {
  const back = screen.hints.filter(isBack);
  const others = screen.hints.filter((hint) => !isBack(hint));
  const help: Hint[] =
    screen.topic === undefined ? [] : [{ keys: screen.isTyping ? 'Ctrl+G' : '?', label: say('keys.help') }];
  const quit: Hint[] = screen.isTyping ? [] : [{ keys: 'q', label: say('keys.quit') }];
  const kept = new Set([...back, ...help]);
  const available = size.columns - 2 * marginOf(size);
  let room = available + HINT_GAP.length - sum([...kept].map(hintWidth));
  const hasLabels = room >= 0;
  for (const hint of [...quit, ...others]) {
    if (hintWidth(hint) > room) continue;
    room -= hintWidth(hint);
    kept.add(hint);
  }
  const cells = [...others, ...back, ...help, ...quit]
    .filter((hint) => kept.has(hint))
    .flatMap(({ keys, label }, index): Cell[] => [
      { text: index === 0 ? '' : HINT_GAP },
      { text: keys },
      { text: hasLabels ? ` ${label}` : '', tone: 'dim' },
    ]);
  return [{ text: ' '.repeat(marginOf(size)) }, ...cells];
}

function isBack({ keys }: Hint): boolean {
  return keys.split(' ').includes('Esc');
}

function hintWidth(hint: Hint): number {
  return widthOf(`${hint.keys} ${hint.label}${HINT_GAP}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function drawTooSmall({ size, say }: Frame): readonly Row[] {
  const values = { ...size, minColumns: MIN_COLUMNS, minRows: MIN_ROWS };
  const texts = [say('app.tooSmall'), say('app.tooSmall.now', values)];
  const rows: Row[] = texts.flatMap((text) => wrapLines(text, size.columns)).map((text) => [{ text }]);
  while (rows.length < size.rows) rows.push(EMPTY_ROW);
  return rows.slice(0, size.rows);
}
