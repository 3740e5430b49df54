import type { Device, DevicePage } from '../../../client/index.ts';
import { ClientError } from '../../../client/index.ts';
import type { Desk, Hint, Screen } from '../desk.ts';
import { Poller } from '../poller.ts';
import type { Area, Row } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { clamp } from '../../ui/list-window.ts';
import { TextLine } from '../../ui/text-line.ts';
import { TypedNumber } from '../../ui/typed-number.ts';
import { deviceRows, drawDeviceList } from './device-list-view.ts';
import { DevicePageScreen } from './device-page.ts';

const POLL_MS = 1000;

/** Which devices are shown. */
export type DeviceStatusFilter = 'all' | 'online' | 'offline';
const FILTERS: readonly DeviceStatusFilter[] = ['all', 'online', 'offline'];

/** What is seen of the list, for drawing it. */
export type DeviceListState = {
  readonly page: DevicePage | undefined;
  /** How many devices stand on the pages before. */
  readonly before: number;
  readonly selected: number;
  readonly filter: DeviceStatusFilter;
  readonly search: TextLine;
  readonly isSearching: boolean;
};

/** The devices of the hub, page by page, as they are now. */
export class DeviceListScreen implements Screen {
  readonly asksHub = true;
  readonly topic = 'devices';
  readonly #desk: Desk;
  readonly #poller: Poller;
  readonly #number: TypedNumber;
  readonly #search = new TextLine();
  #isSearching = false;
  #filter: DeviceStatusFilter = 'all';
  #page: DevicePage | undefined;
  /** Where the pages before begin, and how many devices each had. */
  readonly #pagesBefore: { readonly cursor: string | undefined; readonly count: number }[] = [];
  #cursor: string | undefined;
  #selected = 0;
  #selectedId: string | undefined;
  /** How many devices were asked for last. */
  #limit = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#number = new TypedNumber(desk.clock);
    this.#poller = new Poller({ periodMs: POLL_MS, clock: desk.clock, run: (signal) => this.#load(signal) });
  }

  get title(): string {
    return this.#desk.say('devices.title');
  }

  get isTyping(): boolean {
    return this.#isSearching;
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    if (this.#isSearching) {
      return [
        { keys: 'Enter', label: say('keys.done') },
        { keys: '↑↓', label: say('keys.choose') },
        { keys: 'Esc', label: say('keys.clear') },
      ];
    }
    const page: Hint[] = this.#hasOtherPages ? [{ keys: 'n p', label: say('keys.page') }] : [];
    return [
      { keys: '↑↓', label: say('keys.choose') },
      { keys: 'Enter', label: say('keys.open') },
      { keys: '/', label: say('keys.search') },
      { keys: 'f', label: say('keys.show') },
      ...page,
      { keys: 'Esc', label: say('keys.back') },
    ];
  }

  onShown(): void {
    this.#poller.start();
  }

  onHidden(): void {
    this.#poller.stop();
  }

  onResized(): void {
    if (this.#limit !== deviceRows(this.#desk.area)) this.#poller.poke();
  }

  onKey(key: Key): boolean {
    if (this.#isSearching) return this.#takeSearchKey(key);
    return this.#takeMoveKey(key) || this.#takeLetter(key) || this.#takeEscape(key);
  }

  draw(area: Area): readonly Row[] {
    return drawDeviceList(this.#state, this.#desk, area);
  }

  get #state(): DeviceListState {
    return {
      page: this.#page,
      before: this.#pagesBefore.reduce((sum, page) => sum + page.count, 0),
      selected: this.#selected,
      filter: this.#filter,
      search: this.#search,
      isSearching: this.#isSearching,
    };
  }

  get #devices(): readonly Device[] {
    return this.#page?.devices ?? [];
  }

  get #hasOtherPages(): boolean {
    return this.#pagesBefore.length > 0 || this.#page?.nextCursor !== undefined;
  }

  #takeSearchKey(key: Key): boolean {
    if (key.name === 'enter') {
      this.#isSearching = false;
      return true;
    }
    if (key.name === 'escape') {
      this.#isSearching = false;
      this.#showAll();
      return true;
    }
    const before = this.#search.text;
    if (this.#search.take(key)) {
      if (this.#search.text !== before) this.#restart();
      return true;
    }
    return this.#takeMoveKey(key);
  }

  #takeMoveKey(key: Key): boolean {
    const count = this.#devices.length;
    switch (key.name) {
      case 'up':
        if (this.#selected > 0) this.#select(this.#selected - 1);
        else this.#turnBack('last');
        return true;
      case 'down':
        if (this.#selected < count - 1) this.#select(this.#selected + 1);
        else this.#turnOn();
        return true;
      case 'pageDown':
        this.#turnOn();
        return true;
      case 'pageUp':
        this.#turnBack('first');
        return true;
      case 'home':
        this.#select(0);
        return true;
      case 'end':
        this.#select(count - 1);
        return true;
      case 'enter':
      case 'right':
        this.#openSelected();
        return true;
      default:
        return false;
    }
  }

  #takeLetter(key: Key): boolean {
    if (key.name !== 'text') return false;
    switch (key.text) {
      case '/':
        this.#isSearching = true;
        return true;
      case 'f':
        this.#filter = FILTERS[(FILTERS.indexOf(this.#filter) + 1) % FILTERS.length] ?? 'all';
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
    if (key.name !== 'escape' || (this.#search.text === '' && this.#filter === 'all')) return false;
    this.#showAll();
    return true;
  }

  #showAll(): void {
    this.#search.text = '';
    this.#filter = 'all';
    this.#restart();
  }

  /** Something else is asked for: from the first page on. */
  #restart(): void {
    this.#pagesBefore.length = 0;
    this.#cursor = undefined;
    this.#selected = 0;
    this.#selectedId = undefined;
    this.#poller.poke();
  }

  #select(index: number): void {
    this.#selected = clamp(index, this.#devices.length);
    this.#selectedId = this.#devices[this.#selected]?.deviceId;
  }

  #openSelected(): void {
    const device = this.#devices[this.#selected];
    if (device !== undefined) this.#desk.open(new DevicePageScreen(this.#desk, device));
  }

  #turnOn(): void {
    const next = this.#page?.nextCursor;
    if (next === undefined) return;
    this.#pagesBefore.push({ cursor: this.#cursor, count: this.#devices.length });
    this.#turnTo(next, 0);
  }

  #turnBack(to: 'first' | 'last'): void {
    const page = this.#pagesBefore.pop();
    if (page !== undefined) this.#turnTo(page.cursor, to === 'first' ? 0 : page.count - 1);
  }

  #turnTo(cursor: string | undefined, selected: number): void {
    this.#cursor = cursor;
    this.#selected = selected;
    this.#selectedId = undefined;
    // Until the page comes, keys must not turn again from the one that is left.
    if (this.#page !== undefined) this.#page = { devices: [], total: this.#page.total };
    this.#poller.poke();
  }

  async #load(signal: AbortSignal): Promise<void> {
    const limit = deviceRows(this.#desk.area);
    this.#limit = limit;
    const status = this.#filter === 'all' ? undefined : this.#filter;
    const options = { status, q: this.#search.text.trim(), limit, cursor: this.#cursor, signal };
    try {
      const page = await this.#desk.session.call((client) => client.devices.list(options));
      if (!signal.aborted) this.#take(page);
    } catch (error) {
      // The status line tells; the devices seen last stay.
      if (!signal.aborted && !(error instanceof ClientError)) throw error;
    } finally {
      this.#desk.changed();
    }
  }

  #take(page: DevicePage): void {
    this.#page = page;
    if (page.devices.length === 0 && this.#pagesBefore.length > 0) return this.#turnBack('last');
    // The selection stays with its device when others come and go around it.
    const index = page.devices.findIndex((device) => device.deviceId === this.#selectedId);
    this.#select(index >= 0 ? index : this.#selected);
  }
}
