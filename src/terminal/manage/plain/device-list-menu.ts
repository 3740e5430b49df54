import { ProblemError, type Device, type DevicePage } from '../../../client/index.ts';
import { needsToken } from '../hub-session.ts';
import { sayPresence, titleOf } from '../device-words.ts';
import { sayCount } from '../messages.ts';
import { runDeviceMenu } from './device-menu.ts';
import { askUnlessHelp, attempt, tellFailure, type Leave, type PlainDesk } from './plain-desk.ts';

const PAGE_DEVICES = 20;
const FILTERS = ['all', 'online', 'offline'] as const;
const HELP = [
  'plain.help.device',
  'plain.help.search',
  'plain.help.filter',
  'plain.help.pages',
  'plain.help.refresh',
  'plain.help.server',
  'plain.help.quit',
] as const;

/** What is asked for. */
type View = {
  filter: (typeof FILTERS)[number];
  search: string;
  cursor: string | undefined;
  /** Where the pages before begin, and how many devices each had. */
  pagesBefore: { readonly cursor: string | undefined; readonly count: number }[];
};

/** Lists devices and opens those that are chosen, by number or by id. */
export async function runDeviceListMenu(desk: PlainDesk): Promise<Leave> {
  const view: View = { filter: 'all', search: '', cursor: undefined, pagesBefore: [] };
  for (;;) {
    const page = await load(desk, view);
    if (page === 'back') return 'back';
    const text = await askUnlessHelp(desk, { question: '> ', help: HELP });
    if (text === undefined) return 'quit';
    const leave = await choose(desk, { view, page, text });
    if (leave !== undefined) return leave;
  }
}

/** Asks for the page and tells it; without it, when the hub cannot give it, there are still other things to choose. */
async function load(desk: PlainDesk, view: View): Promise<DevicePage | undefined | 'back'> {
  const { say, prompt } = desk;
  const status = view.filter === 'all' ? undefined : view.filter;
  const options = { status, q: view.search, limit: PAGE_DEVICES, cursor: view.cursor };
  const page = await attempt(desk, (client) => client.devices.list(options));
  if (page.ok) {
    prompt.tell([...tellPage(desk, view, page.answer), '', sayMenu(desk, view, page.answer)].join('\n'));
    return page.answer;
  }
  if (needsToken(page.error)) return 'back';
  tellFailure(desk, page.error);
  prompt.tell(
    say('plain.menu.devices', {
      keys: [say('plain.key.refresh'), say('plain.key.server'), say('plain.key.quit')].join(', '),
    }),
  );
  return undefined;
}

function tellPage({ say, clock }: PlainDesk, view: View, page: DevicePage): string[] {
  if (page.total === 0)
    return [say(view.filter === 'all' && view.search === '' ? 'devices.none' : 'devices.none.filtered')];
  const before = view.pagesBefore.reduce((sum, item) => sum + item.count, 0);
  const range = say('list.range', {
    from: before + 1,
    to: before + page.devices.length,
    total: page.total,
  });
  const heading = page.devices.length === page.total ? sayCount(say, 'devices.total', page.total) : range;
  const line = (device: Device, index: number): string =>
    [`${index + 1}.`, device.deviceId, titleOf(device), sayPresence(say, device, clock.now())]
      .filter((part) => part !== '')
      .join('  ');
  return [heading, ...page.devices.map(line)];
}

function sayMenu({ say }: PlainDesk, view: View, page: DevicePage): string {
  const keys = [
    ...(page.nextCursor === undefined ? [] : [say('plain.key.next')]),
    ...(view.pagesBefore.length === 0 ? [] : [say('plain.key.previous')]),
    say('plain.key.search'),
    ...(view.search === '' ? [] : [say('plain.key.all')]),
    say('plain.key.filter'),
    say('plain.key.refresh'),
    say('plain.key.server'),
    say('plain.key.help'),
    say('plain.key.quit'),
  ];
  return say('plain.menu.devices', { keys: keys.join(', ') });
}

type Choice = { readonly view: View; readonly page: DevicePage | undefined; readonly text: string };

async function choose(desk: PlainDesk, choice: Choice): Promise<Leave | undefined> {
  const { view, page, text } = choice;
  switch (text) {
    case 'q':
      return 'quit';
    case 's':
    case 'b':
    case '0':
      return 'back';
    case '':
    case 'r':
      return undefined;
    case 'f':
      view.filter = FILTERS[(FILTERS.indexOf(view.filter) + 1) % FILTERS.length] ?? 'all';
      restart(view);
      return undefined;
    case 'n':
      turnOn(view, page);
      return undefined;
    case 'p':
      view.cursor = view.pagesBefore.pop()?.cursor;
      return undefined;
    default:
      if (!text.startsWith('/')) return open(desk, choice);
      view.search = text.slice(1).trim();
      restart(view);
      return undefined;
  }
}

function restart(view: View): void {
  view.cursor = undefined;
  view.pagesBefore = [];
}

function turnOn(view: View, page: DevicePage | undefined): void {
  if (page?.nextCursor === undefined) return;
  view.pagesBefore.push({ cursor: view.cursor, count: page.devices.length });
  view.cursor = page.nextCursor;
}

async function open(desk: PlainDesk, { page, text }: Choice): Promise<Leave | undefined> {
  const chosen = /^\d{1,4}$/.test(text) ? page?.devices[Number(text) - 1]?.deviceId : undefined;
  const deviceId = chosen ?? text;
  if (deviceId === '.' || deviceId === '..') {
    desk.prompt.tell(desk.say('plain.noDevice', { text }));
    return undefined;
  }
  const device = await attempt(desk, (client) => client.devices.get(deviceId));
  if (device.ok) return (await runDeviceMenu(desk, deviceId)) === 'quit' ? 'quit' : undefined;
  const isUnknown = device.error instanceof ProblemError && device.error.code === 'DEVICE_UNKNOWN';
  if (isUnknown) desk.prompt.tell(desk.say('plain.noDevice', { text }));
  else tellFailure(desk, device.error);
  return undefined;
}
