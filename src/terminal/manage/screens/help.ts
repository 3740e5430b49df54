import type { Desk, Hint, Screen } from '../desk.ts';
import type { MessageKey } from '../messages.ts';
import { EMPTY_ROW, wrapLines, type Area, type Row } from '../ui/cells.ts';
import type { Key } from '../ui/keys.ts';
import { ScrolledRows } from '../ui/scrolled-rows.ts';

const KEYS: readonly (readonly [keys: string, key: MessageKey])[] = [
  ['↑ ↓', 'help.arrows'],
  ['1 2 3 …', 'help.numbers'],
  ['Enter', 'help.enter'],
  ['Esc ←', 'help.escape'],
  ['/', 'help.search'],
  ['f', 'help.filter'],
  ['n p', 'help.pages'],
  ['d', 'help.description'],
  ['r', 'help.readings'],
  ['x', 'help.forget'],
  ['r', 'help.again'],
  ['e', 'help.edit'],
  ['q', 'help.quit'],
];
const KEYS_COLUMNS = 10;

/** What every key does. */
export class HelpScreen implements Screen {
  readonly isTyping = false;
  readonly #desk: Desk;
  readonly #rows: ScrolledRows;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#rows = new ScrolledRows(desk);
  }

  get title(): string {
    return this.#desk.say('help.title');
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    return [
      { keys: '↑↓', label: say('keys.scroll') },
      { keys: 'Esc', label: say('keys.back') },
    ];
  }

  onKey(key: Key): boolean {
    return this.#rows.take(key);
  }

  draw(area: Area): readonly Row[] {
    const { say } = this.#desk;
    const keys = KEYS.flatMap(([name, key]) =>
      wrapLines(say(key), area.columns - KEYS_COLUMNS).map((text, index): Row => [
        { text: index === 0 ? name : '', width: KEYS_COLUMNS, tone: 'accent' },
        { text },
      ]),
    );
    const notes = [say('help.typing'), say('help.plain')].flatMap((text) =>
      wrapLines(text, area.columns).map((line): Row => [{ text: line, tone: 'dim' }]),
    );
    return this.#rows.draw(
      [[{ text: say('help.heading'), tone: 'strong' }], EMPTY_ROW, ...keys, EMPTY_ROW, ...notes],
      area,
    );
  }
}
