import type { Result } from '../../../base/result.ts';
import {
  ProblemError,
  type ClientError,
  type Device,
  type DevicePage as DeviceListPart,
} from '../../../client/index.ts';
import type { MessageKey } from '../../messages.ts';
import type { Key } from '../../ui/key-reader.ts';
import { clamp, stepOf } from '../../ui/list-window.ts';
import type { Hint, Question } from '../../ui/page.ts';
import { cutTo, type Area, type Row } from '../../ui/rows.ts';
import { TextLine } from '../../ui/text-line.ts';
import { TypedNumber } from '../../ui/typed-number.ts';
import type { Follows } from '../hub-follower.ts';
import type { ManagePage, PageContext } from '../page-context.ts';
import {
  deviceRows,
  drawDeviceList,
  tellDeviceList,
  type DeviceListView,
  type PresenceFilter,
} from './device-list-view.ts';
import { DeviceDetailsPage } from './device.ts';

const FILTERS: readonly PresenceFilter[] = ['all', 'online', 'offline'];
/** So many devices are told at once in plain lines. */
const TOLD_DEVICES = 20;
/** Longer ones there are not. */
const MAX_ID_CHARACTERS = 64;

/** The devices of the hub, page by page, as they are now. */
export class DeviceListPage implements ManagePage {
  readonly topic = 'devices';
  readonly follows: Follows = { kinds: ['presence', 'description', 'forgotten'] };
  readonly question: Question = { text: '> ' };
  readonly plainHelp: readonly MessageKey[] = [
    'plain.help.device',
    'plain.help.search',
    'plain.help.filter',
    'plain.help.pages',
    'plain.help.refresh',
    'plain.help.server',
    'plain.help.quit',
  ];
  readonly #app: PageContext;
  readonly #number: TypedNumber;
  readonly #state: DeviceListView = {
    part: undefined,
    cursor: undefined,
    before: [],
    selected: 0,
    filter: 'all',
    search: new TextLine(),
    isSearching: false,
  };
  #selectedId: string | undefined;

  constructor(app: PageContext) {
    this.#app = app;
    this.#number = new TypedNumber(app.clock);
  }

  get title(): string {
    return this.#app.say('devices.title');
  }

  get isTyping(): boolean {
    return this.#state.isSearching;
  }

  get hints(): readonly Hint[] {
    if (this.#state.isSearching) {
      return [
        ['Enter', 'keys.done'],
        ['↑↓', 'keys.choose'],
        ['Esc', 'keys.clear'],
      ];
    }
    const hasOtherPages = this.#state.before.length > 0 || this.#state.part?.nextCursor !== undefined;
    return [
      ['↑↓', 'keys.choose'],
      ['Enter', 'keys.open'],
      ['/', 'keys.search'],
      ['f', 'keys.show'],
      ...(hasOtherPages ? ([['n p', 'keys.page']] as const) : []),
      ['Esc', 'keys.back'],
    ];
  }

  async load(signal: AbortSignal): Promise<Result<unknown, ClientError>> {
    const { hub, area, isLive } = this.#app;
    const { filter, search, cursor } = this.#state;
    const status = filter === 'all' ? undefined : filter;
    const limit = isLive ? deviceRows(area) : TOLD_DEVICES;
    const options = { status, q: search.text.trim(), limit, cursor, signal };
    const part = await hub.call(({ devices }) => devices.list(options), signal);
    // The status line tells a failure; the devices seen last stay.
    if (part.ok) this.#take(part.value);
    return part;
  }

  /** There is room for more of them, or for fewer. */
  onResize(): void {
    this.#app.refresh(this);
  }

  onKey(key: Key): boolean {
    if (this.#state.isSearching) return this.#takeSearchKey(key);
    return this.#takeMoveKey(key) || this.#takeLetter(key) || this.#takeEscape(key);
  }

  draw(area: Area): readonly Row[] {
    return drawDeviceList(this.#state, this.#app, area);
  }

  tell(): readonly string[] {
    return tellDeviceList(this.#state, this.#app);
  }

  async answer(line: string): Promise<boolean> {
    const text = line.trim();
    if (['f', 'n', 'p'].includes(text)) return this.#takeLetter({ name: 'text', text });
    if (text === 's') this.#app.back();
    else if (text.startsWith('/')) {
      this.#state.search.text = text.slice(1).trim();
      this.#restart();
    } else await this.#openNamed(text);
    return true;
  }

  get #devices(): readonly Device[] {
    return this.#state.part?.devices ?? [];
  }

  #takeSearchKey(key: Key): boolean {
    if (key.name === 'enter') {
      this.#state.isSearching = false;
      return true;
    }
    if (key.name === 'escape') {
      this.#state.isSearching = false;
      this.#showAll();
      return true;
    }
    const before = this.#state.search.text;
    if (this.#state.search.take(key)) {
      if (this.#state.search.text !== before) this.#restart();
      return true;
    }
    return this.#takeMoveKey(key);
  }

  #takeMoveKey(key: Key): boolean {
    const { selected } = this.#state;
    const count = this.#devices.length;
    if (key.name === 'enter' || key.name === 'right') this.#openSelected();
    else if (key.name === 'pageDown' || (key.name === 'down' && selected >= count - 1)) {
      if (!this.#turnOn()) this.#select(count - 1);
    } else if (key.name === 'pageUp') {
      if (!this.#turnBack('first')) this.#select(0);
    } else if (key.name === 'up' && selected === 0) this.#turnBack('last');
    else {
      const step = stepOf(key, { count, rows: count });
      if (step === undefined) return false;
      this.#select(selected + step);
    }
    return true;
  }

  #takeLetter(key: Key): boolean {
    if (key.name !== 'text') return false;
    switch (key.text) {
      case '/':
        this.#state.isSearching = true;
        return true;
      case 'f':
        this.#state.filter = FILTERS[(FILTERS.indexOf(this.#state.filter) + 1) % FILTERS.length] ?? 'all';
        this.#restart();
        return true;
      case 'n':
        this.#turnOn();
        return true;
      case 'p':
        this.#turnBack('first');
        return true;
      default:
        return this.#takeDigit(key.text);
    }
  }

  #takeDigit(text: string): boolean {
    if (!/^\d$/.test(text)) return false;
    const number = this.#number.take(text, (wanted) => wanted >= 1 && wanted <= this.#devices.length);
    if (number !== undefined) this.#select(number - 1);
    return true;
  }

  /** Esc first takes away what narrows the list. */
  #takeEscape(key: Key): boolean {
    if (key.name !== 'escape' || (this.#state.search.text === '' && this.#state.filter === 'all'))
      return false;
    this.#showAll();
    return true;
  }

  #showAll(): void {
    this.#state.search.text = '';
    this.#state.filter = 'all';
    this.#restart();
  }

  /** Something else is asked for: from the first page on. */
  #restart(): void {
    this.#state.before = [];
    this.#state.cursor = undefined;
    this.#state.selected = 0;
    this.#selectedId = undefined;
    this.#app.reload();
  }

  #select(index: number): void {
    this.#state.selected = clamp(index, this.#devices.length);
    this.#selectedId = this.#devices[this.#state.selected]?.deviceId;
  }

  #openSelected(): void {
    const device = this.#devices[this.#state.selected];
    if (device !== undefined) this.#app.open(new DeviceDetailsPage(this.#app, device));
  }

  /** False when there is no further page. */
  #turnOn(): boolean {
    const next = this.#state.part?.nextCursor;
    if (next === undefined) return false;
    this.#state.before = [...this.#state.before, { cursor: this.#state.cursor, count: this.#devices.length }];
    this.#turnTo(next, 0);
    return true;
  }

  /** False on the first page. */
  #turnBack(to: 'first' | 'last'): boolean {
    const part = this.#state.before.at(-1);
    if (part === undefined) return false;
    this.#state.before = this.#state.before.slice(0, -1);
    this.#turnTo(part.cursor, to === 'first' ? 0 : part.count - 1);
    return true;
  }

  #turnTo(cursor: string | undefined, selected: number): void {
    this.#state.cursor = cursor;
    this.#state.selected = selected;
    this.#selectedId = undefined;
    // Until the page comes, keys must not turn again from the one that is left.
    if (this.#state.part !== undefined) this.#state.part = { devices: [], total: this.#state.part.total };
    this.#app.reload();
  }

  /** Opens a device by its number, or its id. */
  async #openNamed(text: string): Promise<void> {
    const { hub, say } = this.#app;
    const chosen = /^\d{1,4}$/.test(text) ? this.#devices[Number(text) - 1] : undefined;
    // The first two are parts of every path.
    const isId = text !== '.' && text !== '..' && text.length <= MAX_ID_CHARACTERS;
    const asked =
      chosen === undefined && isId ? await hub.call(({ devices }) => devices.get(text)) : undefined;
    const device = chosen ?? (asked?.ok === true ? asked.value : undefined);
    if (device !== undefined) this.#app.open(new DeviceDetailsPage(this.#app, device));
    else if (asked?.ok === false && !isUnknown(asked.failure)) this.#app.tellFailure(asked.failure);
    else this.#app.notify(say('plain.noDevice', { text: cutTo(text, MAX_ID_CHARACTERS) }));
  }

  #take(part: DeviceListPart): void {
    this.#state.part = part;
    if (part.devices.length === 0 && this.#turnBack('last')) return;
    // The selection stays with its device when others come and go around it.
    const index = part.devices.findIndex((device) => device.deviceId === this.#selectedId);
    this.#select(index >= 0 ? index : this.#state.selected);
  }
}

function isUnknown(failure: ClientError): boolean {
  return failure instanceof ProblemError && failure.code === 'DEVICE_UNKNOWN';
}
