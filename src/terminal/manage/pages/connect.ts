import { succeed, type Result } from '../../../base/result.ts';
import type { ClientError, Health } from '../../../client/index.ts';
import { textRows } from '../../ui/blocks.ts';
import type { Key } from '../../ui/key-reader.ts';
import type { Hint, Question } from '../../ui/page.ts';
import { EMPTY_ROW, type Area, type Row } from '../../ui/rows.ts';
import { TextLine } from '../../ui/text-line.ts';
import { drawTypedLine } from '../../ui/typing-row.ts';
import { sayUnreachable } from '../failure-words.ts';
import { DEFAULT_HUB_URL, parseHubUrl } from '../hub-url.ts';
import { needsToken } from '../hub-session.ts';
import type { ManagePage, PageContext } from '../page-context.ts';
import { DeviceListPage } from './device-list.ts';

/** How soon a hub that cannot be reached is tried again, in ms. */
const RETRY_MS = 2000;
/** How long a hub at the proposed address may take to answer before somebody is asked, in ms. */
const LOOK_MS = 1000;
/** How long any other hub may take: longer than a call takes to fail by itself. */
const TRY_MS = 30_000;

type State =
  | { readonly kind: 'asking' | 'invalid' }
  /** Nobody needs to be asked for an address at which a hub answers. */
  | { readonly kind: 'looking' }
  | { readonly kind: 'trying' }
  | { readonly kind: 'failed'; readonly error: ClientError };

/** Asks where the hub is and waits until it is there. */
export class ConnectPage implements ManagePage {
  readonly isTyping = true;
  readonly pollMs = RETRY_MS;
  readonly topic = 'connect';
  readonly hints: readonly Hint[] = [
    ['Enter', 'keys.connect'],
    ['Ctrl+U', 'keys.clear'],
    ['Esc', 'keys.quit'],
  ];
  readonly #app: PageContext;
  readonly #address: TextLine;
  #state: State;

  constructor(app: PageContext, options: { isAddressGiven: boolean }) {
    this.#app = app;
    this.#address = new TextLine(app.hub.url);
    this.#state = { kind: options.isAddressGiven ? 'trying' : 'looking' };
  }

  get title(): string {
    return this.#app.say('connect.title');
  }

  onHidden(): void {
    this.#state = { kind: 'asking' };
  }

  /** This page tells itself what is wrong. */
  async load(signal: AbortSignal): Promise<Result<void, never>> {
    const { hub, say, isLive } = this.#app;
    const { kind } = this.#state;
    if (kind === 'asking' || kind === 'invalid') {
      hub.forgetStatus();
      return succeed(undefined);
    }
    const health = await this.#askHealth(signal, kind === 'looking' ? LOOK_MS : TRY_MS);
    if (health?.ok === true) {
      if (!isLive) this.#app.notify(say('plain.connected', { url: hub.url, version: health.value.version }));
      this.#app.open(new DeviceListPage(this.#app));
    } else if (health !== undefined && needsToken(health.failure)) this.#state = { kind: 'trying' };
    else {
      hub.forgetStatus();
      this.#state =
        kind === 'looking' || health === undefined
          ? { kind: 'asking' }
          : { kind: 'failed', error: health.failure };
    }
    return succeed(undefined);
  }

  onKey(key: Key): boolean {
    if (key.name === 'escape') this.#app.quit();
    else if (key.name === 'enter') this.#connect(this.#address.text);
    else if (this.#address.take(key)) {
      this.#state = { kind: 'asking' };
      this.#app.giveUp();
    } else return false;
    return true;
  }

  draw(area: Area): readonly Row[] {
    const { say } = this.#app;
    return [
      [{ text: say('connect.heading'), tone: 'strong' }],
      EMPTY_ROW,
      ...drawTypedLine(
        { label: say('connect.address'), line: this.#address, hint: say('connect.hint') },
        area,
      ),
      EMPTY_ROW,
      ...this.#drawState(area),
    ];
  }

  tell(): readonly string[] {
    return this.#state.kind === 'failed' ? [sayUnreachable(this.#state.error, this.#app.say)] : [];
  }

  get question(): Question {
    const { say, hub } = this.#app;
    return { text: say(this.#state.kind === 'failed' ? 'plain.retry' : 'plain.address', { url: hub.url }) };
  }

  answer(text: string): boolean {
    if (text.trim() === 'q') {
      this.#app.quit();
      return false;
    }
    this.#connect(text.trim() === '' ? this.#app.hub.url : text);
    if (this.#state.kind !== 'invalid') return true;
    this.#app.notify(this.#app.say('connect.invalid', { example: DEFAULT_HUB_URL }));
    return false;
  }

  #drawState(area: Area): Row[] {
    const { say, hub } = this.#app;
    const state = this.#state;
    switch (state.kind) {
      case 'invalid':
        return textRows(say('connect.invalid', { example: DEFAULT_HUB_URL }), area, { tone: 'bad' });
      case 'trying':
        return [[{ text: say('connect.trying', { url: hub.url }), tone: 'dim' }]];
      case 'failed':
        return [
          ...textRows(sayUnreachable(state.error, say), area, { tone: 'bad' }),
          EMPTY_ROW,
          ...textRows(say('connect.retrying', { seconds: RETRY_MS / 1000 }), area, { tone: 'dim' }),
        ];
      default:
        return [];
    }
  }

  /** Undefined when it took too long. */
  async #askHealth(signal: AbortSignal, limitMs: number): Promise<Result<Health, ClientError> | undefined> {
    const limit = AbortSignal.timeout(limitMs);
    const options = { signal: AbortSignal.any([signal, limit]) };
    try {
      return await this.#app.hub.call((client) => client.health(options), signal);
    } catch (error) {
      if (signal.aborted || !limit.aborted) throw error;
      return undefined;
    }
  }

  #connect(text: string): void {
    const address = parseHubUrl(text);
    if (!address.ok) {
      this.#state = { kind: 'invalid' };
      return this.#app.giveUp();
    }
    this.#address.text = address.value;
    this.#app.hub.useUrl(address.value);
    this.#state = { kind: 'trying' };
    this.#app.reload();
  }
}
