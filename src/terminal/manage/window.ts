import type { Say } from '../messages.ts';
import { textRows } from '../ui/blocks.ts';
import { EMPTY_ROW, widthOf, type Area, type Cell, type Row } from '../ui/rows.ts';
import { sayGoneReason } from './failure-words.ts';
import type { HubSession } from './hub-session.ts';
import type { ManagePage } from './page-context.ts';
import { sayTime } from './time-words.ts';

/** Below this nothing sensible can be shown. */
const MIN_COLUMNS = 24;
const MIN_ROWS = 8;
/** From this height on, lines set the first and last rows apart. */
const ROWS_FOR_RULES = 20;
const HINT_GAP = '   ';
/** How long it is said that the hub is back, in ms. */
const BACK_MS = 10_000;

type ManageWindow = {
  readonly size: Area;
  /** The way to the page that is seen. */
  readonly titles: readonly string[];
  readonly page: ManagePage;
  readonly hub: HubSession;
  readonly notice: string;
  readonly say: Say;
};

/** The room that the window leaves to its page. */
export function bodyArea(size: Area): Area {
  const otherRows = hasRules(size) ? 6 : 3;
  return {
    columns: Math.max(1, size.columns - 2 * marginOf(size)),
    rows: Math.max(1, size.rows - otherRows),
  };
}

/** Draws a whole window: title, page, the hub's state, the keys. It has exactly as many rows as there are. */
export function drawWindow(window: ManageWindow): readonly Row[] {
  const { size, page } = window;
  if (size.columns < MIN_COLUMNS || size.rows < MIN_ROWS) return drawTooSmall(window);
  const margin: Cell = { text: ' '.repeat(marginOf(size)) };
  const area = bodyArea(size);
  const body = [...page.draw(area)].slice(0, area.rows);
  while (body.length < area.rows) body.push(EMPTY_ROW);
  const rule: Row = [{ text: '─'.repeat(size.columns), tone: 'dim' }];
  const rows = [
    drawTitle(window),
    ...(hasRules(size) ? [rule, EMPTY_ROW] : []),
    ...body.map((row) => (row.length === 0 ? row : [margin, ...row])),
    ...(hasRules(size) ? [rule] : []),
    drawStatus(window),
    drawHints(window),
  ];
  return rows;
}

function marginOf(size: Area): number {
  return size.columns >= 60 ? 2 : 1;
}

function hasRules(size: Area): boolean {
  return size.rows >= ROWS_FOR_RULES;
}

function drawTitle({ titles, size }: ManageWindow): Row {
  const margin = ' '.repeat(marginOf(size));
  const way = titles.slice(0, -1).map((title): Cell => ({ text: ` › ${title}`, tone: 'dim' }));
  return [
    { text: `${margin}Recado`, tone: 'accent' },
    ...way,
    { text: ` › ${titles.at(-1) ?? ''}`, tone: 'strong' },
  ];
}

function drawStatus({ hub, say, notice, size }: ManageWindow): Row {
  const { status } = hub;
  const now = hub.clock.now();
  const margin: Cell = { text: ' '.repeat(marginOf(size)) };
  const url = hub.url.replace(/^http:\/\//, '');
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
function drawHints({ page, say, size }: ManageWindow): Row {
  const hints = page.hints.map(([keys, label]): SaidHint => ({ keys, label: say(label) }));
  const back = hints.filter(isBack);
  const others = hints.filter((hint) => !isBack(hint));
  const help = { keys: page.isTyping === true ? 'Ctrl+G' : '?', label: say('keys.help') };
  const helps = page.topic === undefined ? [] : [help];
  const quit = page.isTyping === true ? [] : [{ keys: 'q', label: say('keys.quit') }];
  const kept = new Set([...back, ...helps]);
  const available = size.columns - 2 * marginOf(size);
  let room = available + HINT_GAP.length - sum([...kept].map(hintWidth));
  const hasLabels = room >= 0;
  for (const hint of [...quit, ...others]) {
    if (hintWidth(hint) > room) continue;
    room -= hintWidth(hint);
    kept.add(hint);
  }
  const cells = [...others, ...back, ...helps, ...quit]
    .filter((hint) => kept.has(hint))
    .flatMap(({ keys, label }, index): Cell[] => [
      { text: index === 0 ? '' : HINT_GAP },
      { text: keys },
      { text: hasLabels ? ` ${label}` : '', tone: 'dim' },
    ]);
  return [{ text: ' '.repeat(marginOf(size)) }, ...cells];
}

type SaidHint = { readonly keys: string; readonly label: string };

function isBack({ keys }: SaidHint): boolean {
  return keys.split(' ').includes('Esc');
}

function hintWidth(hint: SaidHint): number {
  return widthOf(`${hint.keys} ${hint.label}${HINT_GAP}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function drawTooSmall({ size, say }: ManageWindow): readonly Row[] {
  const values = { ...size, minColumns: MIN_COLUMNS, minRows: MIN_ROWS };
  const texts = [say('app.tooSmall'), say('app.tooSmall.now', values)];
  const rows = texts.flatMap((text) => textRows(text, size));
  while (rows.length < size.rows) rows.push(EMPTY_ROW);
  return rows.slice(0, size.rows);
}
