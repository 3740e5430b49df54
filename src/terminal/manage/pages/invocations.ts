import { succeed, type Result } from '../../../base/result.ts';
import {
  ProblemError,
  type ClientError,
  type Command,
  type Device,
  type Invocation,
} from '../../../client/index.ts';
import type { MessageKey } from '../../messages.ts';
import { textRows } from '../../ui/blocks.ts';
import { cleanLines } from '../../ui/clean-text.ts';
import type { Key } from '../../ui/key-reader.ts';
import { clamp, partShown, scrollTo, stepOf } from '../../ui/list-window.ts';
import type { Hint, Question } from '../../ui/page.ts';
import { EMPTY_ROW, widthOf, type Area, type Row } from '../../ui/rows.ts';
import type { Follows } from '../hub-follower.ts';
import { isUnended, sayState, titleOfCommand, toneOfState } from '../invocation-words.ts';
import type { ManagePage, PageContext } from '../page-context.ts';
import { sayTimestamp } from '../time-words.ts';
import { InvocationPage } from './invocation.ts';

/** Older ones are for programs: `GET /api/v1/invocations`. */
const MAX_SEEN = 100;
/** So many are told at once in plain lines. */
const TOLD_INVOCATIONS = 20;
const TIME_COLUMNS = 18;
/** Below this there is no room for times. */
const COLUMNS_FOR_TIMES = 50;
const MARK_COLUMNS = 2;
const GAP = 2;

type Columns = { readonly time: number; readonly title: number };
type InvocationsOptions = { readonly device: Device; readonly commands: readonly Command[] | undefined };

/** The commands that were sent to a device, the newest first: which wait, which run, what became of the others. */
export class InvocationsPage implements ManagePage {
  readonly topic = 'invocations';
  readonly question: Question = { text: '> ' };
  readonly plainHelp: readonly MessageKey[] = [
    'plain.help.invocation',
    'plain.help.cancel',
    'plain.help.refresh',
    'plain.help.back',
    'plain.help.quit',
  ];
  readonly follows: Follows;
  readonly #app: PageContext;
  readonly #deviceId: string;
  readonly #commands: readonly Command[];
  #invocations: readonly Invocation[] | undefined;
  #selected = 0;
  #first = 0;
  #rows = 1;

  constructor(app: PageContext, { device, commands }: InvocationsOptions) {
    this.#app = app;
    this.#deviceId = device.deviceId;
    this.#commands = commands ?? [];
    this.follows = { devices: [device.deviceId], kinds: ['invocation'] };
  }

  get title(): string {
    return this.#app.say('invocations.title');
  }

  get hints(): readonly Hint[] {
    const selected = this.#all[this.#selected];
    return [
      ['↑↓', 'keys.choose'],
      ['Enter', 'keys.open'],
      ...(selected !== undefined && isUnended(selected) ? ([['x', 'keys.stop']] as const) : []),
      ['Esc', 'keys.back'],
    ];
  }

  async load(signal: AbortSignal): Promise<Result<unknown, ClientError>> {
    const { hub, isLive } = this.#app;
    const limit = isLive ? MAX_SEEN : TOLD_INVOCATIONS;
    const deviceId = this.#deviceId;
    const page = await hub.call(({ invocations }) => invocations.list({ deviceId, limit, signal }), signal);
    if (page.ok) this.#take(page.value.invocations);
    else if (isUnknownRoute(page.failure)) this.#take([]);
    else return page;
    return succeed(undefined);
  }

  onKey(key: Key): boolean {
    const step = stepOf(key, { count: this.#all.length, rows: this.#rows });
    const selected = this.#all[this.#selected];
    if (step !== undefined) this.#selected = clamp(this.#selected + step, this.#all.length);
    else if (key.name === 'enter' || key.name === 'right') this.#open(selected);
    else if (key.name === 'text' && key.text === 'x') void this.#cancel(selected);
    else return false;
    return true;
  }

  draw(area: Area): readonly Row[] {
    const { say } = this.#app;
    if (this.#invocations === undefined) return [[{ text: say('device.loading'), tone: 'dim' }]];
    const count = this.#all.length;
    if (count === 0) return textRows(say('invocations.none'), area, { tone: 'dim' });
    this.#rows = Math.max(1, count <= area.rows ? count : area.rows - 2);
    const list = { count, selected: this.#selected, rows: this.#rows };
    this.#first = scrollTo(this.#first, list);
    const part = partShown(this.#first, list);
    const columns = this.#chooseColumns(area);
    const rows = this.#all
      .slice(this.#first, this.#first + this.#rows)
      .map((invocation, index) =>
        this.#row(invocation, { columns, isSelected: this.#first + index === this.#selected }),
      );
    if (part === undefined) return rows;
    return [
      ...rows,
      EMPTY_ROW,
      [{ text: say('list.range', part), width: area.columns, align: 'right', tone: 'dim' }],
    ];
  }

  tell(): readonly string[] {
    const { say, clock } = this.#app;
    const now = clock.now();
    const lines = this.#all.map((invocation, index) =>
      [
        `${index + 1}.`,
        sayTimestamp(invocation.phases.accepted, now),
        titleOfCommand(invocation, this.#commands),
        sayState(invocation, say, now),
      ].join('  '),
    );
    const keys = ['cancel', 'refresh', 'back', 'help', 'quit'].map((key) =>
      say(`plain.key.${key}` as MessageKey),
    );
    return [
      lines.length === 0 ? say('invocations.none') : cleanLines(lines),
      say('plain.menu.invocations', { keys: keys.join(', ') }),
    ];
  }

  async answer(line: string): Promise<boolean> {
    const text = line.trim();
    const [, x, number] = /^(x?)\s*(\d{1,3})$/.exec(text) ?? [];
    const invocation = this.#all[Number(number) - 1];
    if (invocation === undefined) this.#app.notify(this.#app.say('plain.unknownChoice', { text }));
    else if (x === '') this.#open(invocation);
    else await this.#cancel(invocation);
    return invocation !== undefined && x !== '';
  }

  get #all(): readonly Invocation[] {
    return this.#invocations ?? [];
  }

  /** Title and state have what the other leaves, and half of the room at least. */
  #chooseColumns(area: Area): Columns {
    const { say, clock } = this.#app;
    const now = clock.now();
    const time = area.columns < COLUMNS_FOR_TIMES ? 0 : TIME_COLUMNS;
    const room = Math.max(1, area.columns - MARK_COLUMNS - time - GAP);
    const longest = (texts: readonly string[]): number => Math.max(...texts.map(widthOf));
    const states = longest(this.#all.map((invocation) => sayState(invocation, say, now)));
    const titles = longest(this.#all.map((invocation) => titleOfCommand(invocation, this.#commands)));
    return { time, title: Math.min(titles, Math.max(Math.floor(room / 2), room - states)) };
  }

  #row(invocation: Invocation, { columns, isSelected }: { columns: Columns; isSelected: boolean }): Row {
    const { say, clock } = this.#app;
    const now = clock.now();
    const title = titleOfCommand(invocation, this.#commands);
    return [
      { text: isSelected ? '❯' : '', width: MARK_COLUMNS, tone: 'focus' },
      { text: sayTimestamp(invocation.phases.accepted, now), width: columns.time, tone: 'dim' },
      { text: title, width: columns.title, tone: isSelected ? 'focus' : 'plain' },
      { text: '', width: GAP },
      { text: sayState(invocation, say, now), width: 'rest', tone: toneOfState(invocation) },
    ];
  }

  /** The selection stays with its command when others come before it. */
  #take(invocations: readonly Invocation[]): void {
    const id = this.#all[this.#selected]?.id;
    const index = this.#selected === 0 ? 0 : invocations.findIndex((each) => each.id === id);
    this.#invocations = invocations;
    this.#selected = clamp(index >= 0 ? index : this.#selected, invocations.length);
  }

  #open(invocation: Invocation | undefined): void {
    if (invocation === undefined) return;
    const title = titleOfCommand(invocation, this.#commands);
    this.#app.open(new InvocationPage(this.#app, { invocation, title }));
  }

  async #cancel(invocation: Invocation | undefined): Promise<void> {
    if (invocation === undefined) return;
    const { hub, say } = this.#app;
    const command = titleOfCommand(invocation, this.#commands);
    const cancelled = await hub.call(({ invocations }) => invocations.cancel(invocation.id));
    if (cancelled.ok) this.#app.notify(say('invocation.cancelled.now', { command }));
    else if (hasEnded(cancelled.failure)) this.#app.notify(say('invocation.ended', { command }));
    else this.#app.tellFailure(cancelled.failure);
    this.#app.refresh(this);
  }
}

function hasEnded(failure: ClientError): boolean {
  return failure instanceof ProblemError && ['INVOCATION_ENDED', 'INVOCATION_UNKNOWN'].includes(failure.code);
}

/** An older hub remembers none. */
function isUnknownRoute(failure: ClientError): boolean {
  return failure instanceof ProblemError && failure.code === 'ROUTE_UNKNOWN';
}
