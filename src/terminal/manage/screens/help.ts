import type { Desk, HelpTopic, Hint, Screen } from '../desk.ts';
import type { MessageKey } from '../messages.ts';
import { EMPTY_ROW, wrapLines, type Area, type Row } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { ScrolledRows } from '../../ui/scrolled-rows.ts';

type KeyHelp = readonly (readonly [keys: string, key: MessageKey])[];

const WRITING: KeyHelp = [
  ['← →', 'help.move'],
  ['Ctrl+U', 'help.clear'],
];
const SCROLLING: KeyHelp = [['↑ ↓', 'help.scroll']];
const BACK: KeyHelp = [['Esc ←', 'help.back']];

/** What works on each screen, in the order in which people meet them. */
const TOPICS: Readonly<Record<HelpTopic, { readonly heading: MessageKey; readonly keys: KeyHelp }>> = {
  connect: {
    heading: 'connect.title',
    keys: [['Enter', 'help.connect'], ...WRITING, ['Esc', 'help.leave']],
  },
  token: { heading: 'token.title', keys: [['Enter', 'help.token'], ...WRITING, ['Esc', 'help.otherHub']] },
  devices: {
    heading: 'devices.title',
    keys: [
      ['↑ ↓', 'help.choose'],
      ['1 2 3 …', 'help.numbers'],
      ['Enter →', 'help.open'],
      ['/', 'help.search'],
      ['f', 'help.filter'],
      ['n p', 'help.pages'],
      ['Esc ←', 'help.otherHub'],
    ],
  },
  device: {
    heading: 'help.device',
    keys: [
      ['↑ ↓', 'help.choose'],
      ['1 2 3 …', 'help.numbers'],
      ['Enter →', 'help.send'],
      ['d', 'help.description'],
      ['r', 'help.readings'],
      ['x', 'help.forget'],
      ...BACK,
    ],
  },
  form: {
    heading: 'help.form',
    keys: [
      ['Enter', 'help.nextField'],
      ['↑ ↓ Tab', 'help.fields'],
      ['← →', 'help.value'],
      ['Ctrl+U', 'help.clear'],
      ['Esc', 'help.discard'],
    ],
  },
  answer: {
    heading: 'help.answer',
    keys: [
      ['r', 'help.again'],
      ['e', 'help.edit'],
      ...SCROLLING,
      ['Enter', 'help.back'],
      ['Esc ←', 'help.giveUp'],
    ],
  },
  description: { heading: 'description.title', keys: [['r', 'help.ask'], ...SCROLLING, ...BACK] },
  readings: { heading: 'readings.title', keys: [...SCROLLING, ...BACK] },
};
const KEYS_COLUMNS = 10;

/** What the keys do, screen by screen: first the screen from which help was asked. */
export class HelpScreen implements Screen {
  readonly isTyping = false;
  readonly asksHub = false;
  readonly topic = undefined;
  readonly #desk: Desk;
  readonly #current: HelpTopic;
  readonly #rows: ScrolledRows;

  constructor(desk: Desk, current: HelpTopic) {
    this.#desk = desk;
    this.#current = current;
    this.#rows = new ScrolledRows(desk.say);
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
    const others = (Object.keys(TOPICS) as HelpTopic[]).filter((topic) => topic !== this.#current);
    const section = (heading: string, keys: KeyHelp): Row[] => [
      [{ text: heading, tone: 'strong' }],
      ...keys.flatMap(([name, key]) => this.#drawKey(name, say(key), area)),
      EMPTY_ROW,
    ];
    const topic = (name: HelpTopic): Row[] => section(say(TOPICS[name].heading), TOPICS[name].keys);
    const everywhere: KeyHelp = [
      ['?', 'help.help'],
      ['Ctrl+G', 'help.helpTyping'],
      ['q', 'help.quit'],
      ['Ctrl+C', 'help.quitTyping'],
    ];
    const notes = wrapLines(say('help.plain'), area.columns).map((text): Row => [{ text, tone: 'dim' }]);
    return this.#rows.draw(
      [
        ...topic(this.#current),
        ...section(say('help.everywhere'), everywhere),
        ...others.flatMap(topic),
        ...notes,
      ],
      area,
    );
  }

  #drawKey(name: string, text: string, area: Area): Row[] {
    return wrapLines(text, area.columns - KEYS_COLUMNS).map((line, index): Row => [
      { text: index === 0 ? name : '', width: KEYS_COLUMNS, tone: 'accent' },
      { text: line },
    ]);
  }
}
