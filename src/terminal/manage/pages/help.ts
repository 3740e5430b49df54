import type { MessageKey } from '../../messages.ts';
import { textRows } from '../../ui/blocks.ts';
import type { Hint } from '../../ui/page.ts';
import { EMPTY_ROW, wrapLines, type Area, type Row } from '../../ui/rows.ts';
import type { HelpTopic, PageContext } from '../page-context.ts';
import { ScrolledPage } from '../scrolled-page.ts';

type KeyHelp = readonly (readonly [keys: string, key: MessageKey])[];

const WRITING: KeyHelp = [
  ['← →', 'help.move'],
  ['Ctrl+U', 'help.clear'],
];
const SCROLLING: KeyHelp = [['↑ ↓', 'keys.scroll']];
const BACK: KeyHelp = [['Esc ←', 'keys.back']];

/** What works on each page, in the order in which people meet them. */
const TOPICS: Readonly<Record<HelpTopic, { readonly heading: MessageKey; readonly keys: KeyHelp }>> = {
  connect: {
    heading: 'connect.title',
    keys: [['Enter', 'help.connect'], ...WRITING, ['Esc', 'keys.quit']],
  },
  token: { heading: 'token.title', keys: [['Enter', 'help.token'], ...WRITING, ['Esc', 'help.otherHub']] },
  devices: {
    heading: 'devices.title',
    keys: [
      ['↑ ↓', 'keys.choose'],
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
      ['↑ ↓', 'keys.choose'],
      ['1 2 3 …', 'help.numbers'],
      ['Enter →', 'help.send'],
      ['d', 'help.description'],
      ['r', 'help.readings'],
      ['i', 'help.invocations'],
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
      ['Enter', 'keys.back'],
      ['Esc ←', 'help.giveUp'],
    ],
  },
  description: { heading: 'description.title', keys: [['r', 'help.ask'], ...SCROLLING, ...BACK] },
  readings: { heading: 'device.readings', keys: [...SCROLLING, ...BACK] },
  invocations: {
    heading: 'invocations.title',
    keys: [['↑ ↓', 'keys.choose'], ['Enter →', 'help.invocation'], ['x', 'help.cancel'], ...BACK],
  },
  invocation: { heading: 'invocation.title', keys: [...SCROLLING, ...BACK] },
};
const KEYS_COLUMNS = 10;

const EVERYWHERE: KeyHelp = [
  ['?', 'help.help'],
  ['Ctrl+G', 'help.helpTyping'],
  ['q', 'keys.quit'],
  ['Ctrl+C', 'help.quitTyping'],
];

/** What the keys do, page by page: first the page from which help was asked. Plain lines have help of their own. */
export class HelpPage extends ScrolledPage {
  readonly topic = undefined;
  readonly hints: readonly Hint[] = [
    ['↑↓', 'keys.scroll'],
    ['Esc', 'keys.back'],
  ];
  readonly #current: HelpTopic;

  constructor(app: PageContext, current: HelpTopic) {
    super(app);
    this.#current = current;
  }

  get title(): string {
    return this.app.say('help.title');
  }

  protected override drawAll(area: Area): readonly Row[] {
    const { say } = this.app;
    const others = (Object.keys(TOPICS) as HelpTopic[]).filter((topic) => topic !== this.#current);
    const section = (heading: MessageKey, keys: KeyHelp): Row[] => [
      [{ text: say(heading), tone: 'strong' }],
      ...keys.flatMap(([name, key]) => drawKey(name, say(key), area)),
      EMPTY_ROW,
    ];
    const topic = (name: HelpTopic): Row[] => section(TOPICS[name].heading, TOPICS[name].keys);
    return [
      ...topic(this.#current),
      ...section('help.everywhere', EVERYWHERE),
      ...others.flatMap(topic),
      ...textRows(say('help.plain'), area, { tone: 'dim' }),
    ];
  }
}

function drawKey(name: string, text: string, area: Area): Row[] {
  return wrapLines(text, area.columns - KEYS_COLUMNS).map((line, index): Row => [
    { text: index === 0 ? name : '', width: KEYS_COLUMNS, tone: 'accent' },
    { text: line },
  ]);
}
