import type { Hint, Screen } from '../desk.ts';
import { sayGoneReason } from '../failure-words.ts';
import type { HubStatus } from '../hub-session.ts';
import type { Say } from '../messages.ts';
import { sayTime } from '../time-words.ts';
import { EMPTY_ROW, widthOf, type Area, type Cell, type Row } from './cells.ts';

export type WindowSize = { readonly columns: number; readonly rows: number };

/** Below this nothing sensible can be shown. */
const MIN_COLUMNS = 24;
const MIN_ROWS = 8;
/** From this height on, lines set the first and last rows apart. */
const ROWS_FOR_RULES = 16;
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

/** Draws a whole window: title, the screen, the hub's state, the keys. Always exactly as many rows as the window has. */
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
  const { status, url, say, notice, now, size } = frame;
  const margin: Cell = { text: ' '.repeat(marginOf(size)) };
  const said: Cell = { text: notice, width: 'rest', align: 'right', tone: 'accent' };
  switch (status.kind) {
    case 'unknown':
      return [margin, { text: '○ ', tone: 'dim' }, { text: url, tone: 'dim' }, said];
    case 'gone': {
      const values = { url, time: sayTime(status.since, now), reason: sayGoneReason(status.error, say) };
      return [
        margin,
        { text: '○ ', tone: 'warn' },
        { text: say('hub.gone', values), width: 'rest', tone: 'warn' },
      ];
    }
    default: {
      const isBack = status.wasGone && now - status.since < BACK_MS;
      const text = isBack
        ? say('hub.back', { url, time: sayTime(status.since, now) })
        : say('hub.up', { url });
      return [margin, { text: '● ', tone: 'good' }, { text, tone: 'dim' }, { text: '  ' }, said, margin];
    }
  }
}

/** As many keys as fit, the most important first. */
function drawHints({ screen, say, size }: Frame): Row {
  const always: Hint[] = screen.isTyping
    ? []
    : [
        { keys: '?', label: say('keys.help') },
        { keys: 'q', label: say('keys.quit') },
      ];
  const room = size.columns - 2 * marginOf(size);
  const row: Cell[] = [{ text: ' '.repeat(marginOf(size)) }];
  let taken = 0;
  const fitting: Hint[] = [];
  const spare = always.reduce((sum, hint) => sum + hintWidth(hint), 0);
  for (const hint of screen.hints) {
    if (taken + hintWidth(hint) + spare - 3 > room) continue;
    taken += hintWidth(hint);
    fitting.push(hint);
  }
  for (const { keys, label } of [...fitting, ...always]) {
    row.push({ text: keys, tone: 'plain' }, { text: ` ${label}`, tone: 'dim' }, { text: '   ' });
  }
  return row;
}

function hintWidth(hint: Hint): number {
  return widthOf(`${hint.keys} ${hint.label}`) + 3;
}

function drawTooSmall({ size, say }: Frame): readonly Row[] {
  const values = { ...size, minColumns: MIN_COLUMNS, minRows: MIN_ROWS };
  const rows: Row[] = [[{ text: say('app.tooSmall') }], [{ text: say('app.tooSmall.now', values) }]];
  while (rows.length < size.rows) rows.push(EMPTY_ROW);
  return rows.slice(0, size.rows);
}
