import type { Timer } from '../../../base/clock.ts';
import { ClientError, HubAnswerError, HubUnreachableError } from '../../../client/index.ts';
import type { Desk, Hint, Screen } from '../desk.ts';
import { sayUnreachable } from '../failure-words.ts';
import { DEFAULT_HUB_URL, parseHubAddress } from '../hub-address.ts';
import { EMPTY_ROW, widthOf, wrapLines, type Area, type Row } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { TextLine } from '../../ui/text-line.ts';
import { typingCells } from '../../ui/typing-row.ts';
import { DeviceListScreen } from './device-list.ts';

/** How soon a hub that cannot be reached is tried again, in ms. */
const RETRY_MS = 2000;
/** How long a hub at the proposed address may take to answer before somebody is asked, in ms. */
const LOOK_MS = 1000;
const MAX_ADDRESS_COLUMNS = 60;

type State =
  | { readonly kind: 'editing' }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'trying'; readonly url: string }
  | { readonly kind: 'failed'; readonly error: HubUnreachableError | HubAnswerError };

/** Asks where the hub is and waits until it is there. */
export class ConnectScreen implements Screen {
  readonly isTyping = true;
  readonly asksHub = true;
  readonly topic = 'connect';
  readonly #desk: Desk;
  readonly #address: TextLine;
  #state: State = { kind: 'editing' };
  /** What is done when it is shown: connect to the given address, or look whether a hub is at the proposed one. */
  #whenShown: 'connect' | 'look' | 'ask';
  #abort: AbortController | undefined;
  #retry: Timer | undefined;

  constructor(desk: Desk, options: { isAddressGiven: boolean }) {
    this.#desk = desk;
    this.#address = new TextLine(desk.session.url);
    this.#whenShown = options.isAddressGiven ? 'connect' : 'look';
  }

  get title(): string {
    return this.#desk.say('connect.title');
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    return [
      { keys: 'Enter', label: say('keys.connect') },
      { keys: 'Ctrl+U', label: say('keys.clear') },
      { keys: 'Esc', label: say('keys.quit') },
    ];
  }

  onShown(): void {
    this.#desk.session.forgetStatus();
    this.#state = { kind: 'editing' };
    const first = this.#whenShown;
    this.#whenShown = 'ask';
    if (first === 'connect') this.#connect();
    else if (first === 'look') void this.#look();
  }

  onHidden(): void {
    this.#giveUp();
  }

  onKey(key: Key): boolean {
    if (key.name === 'enter') {
      this.#connect();
      return true;
    }
    if (key.name === 'escape') {
      this.#desk.quit();
      return true;
    }
    if (!this.#address.take(key)) return false;
    this.#giveUp();
    this.#state = { kind: 'editing' };
    return true;
  }

  draw(area: Area): readonly Row[] {
    const { say } = this.#desk;
    const label = `${say('connect.address')}  `;
    const indent = { text: ' '.repeat(widthOf(label)) };
    const columns = Math.min(MAX_ADDRESS_COLUMNS, area.columns - widthOf(label));
    return [
      [{ text: say('connect.heading'), tone: 'strong' }],
      EMPTY_ROW,
      [{ text: label }, ...typingCells(this.#address, { columns, hasFocus: true })],
      [indent, { text: say('connect.hint'), tone: 'dim' }],
      EMPTY_ROW,
      ...this.#drawState(area),
    ];
  }

  #drawState(area: Area): Row[] {
    const { say } = this.#desk;
    const state = this.#state;
    switch (state.kind) {
      case 'invalid':
        return wrapLines(say('connect.invalid', { example: DEFAULT_HUB_URL }), area.columns).map((text) => [
          { text, tone: 'bad' },
        ]);
      case 'trying':
        return [[{ text: say('connect.trying', { url: state.url }), tone: 'dim' }]];
      case 'failed':
        return [
          ...wrapLines(sayUnreachable(state.error, say), area.columns).map((text): Row => [
            { text, tone: 'bad' },
          ]),
          EMPTY_ROW,
          ...wrapLines(say('connect.retrying', { seconds: RETRY_MS / 1000 }), area.columns).map(
            (text): Row => [{ text, tone: 'dim' }],
          ),
        ];
      default:
        return [];
    }
  }

  #connect(): void {
    this.#giveUp();
    const address = parseHubAddress(this.#address.text);
    if (!address.ok) {
      this.#state = { kind: 'invalid' };
      return;
    }
    if (this.#address.text !== address.url) this.#address.text = address.url;
    this.#desk.session.useUrl(address.url);
    this.#state = { kind: 'trying', url: address.url };
    void this.#try();
  }

  /** Nobody needs to be asked for an address at which a hub answers. */
  async #look(): Promise<void> {
    const { session } = this.#desk;
    const abort = new AbortController();
    this.#abort = abort;
    const timer = this.#desk.clock.setTimer(LOOK_MS, () => abort.abort());
    try {
      await session.call((client) => client.health({ signal: abort.signal }));
      if (!abort.signal.aborted) this.#desk.open(new DeviceListScreen(this.#desk));
    } catch (error) {
      if (!abort.signal.aborted && !(error instanceof ClientError)) throw error;
      session.forgetStatus();
    } finally {
      timer.clear();
      this.#desk.changed();
    }
  }

  async #try(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      await this.#desk.session.call((client) => client.health({ signal: abort.signal }));
      if (!abort.signal.aborted) this.#desk.open(new DeviceListScreen(this.#desk));
    } catch (error) {
      if (abort.signal.aborted) return;
      if (!(error instanceof HubUnreachableError || error instanceof HubAnswerError)) throw error;
      this.#state = { kind: 'failed', error };
      // This screen tells what is wrong itself.
      this.#desk.session.forgetStatus();
      this.#retry = this.#desk.clock.setTimer(RETRY_MS, () => void this.#try());
    } finally {
      this.#desk.changed();
    }
  }

  #giveUp(): void {
    this.#retry?.clear();
    this.#retry = undefined;
    this.#abort?.abort();
    this.#abort = undefined;
  }
}
