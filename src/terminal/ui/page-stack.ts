import type { Clock } from '../../base/clock.ts';
import type { ClientError } from '../../client/index.ts';
import type { Key } from './key-reader.ts';
import type { Page } from './page.ts';
import { Poller } from './poller.ts';
import type { Area, Row } from './rows.ts';

type Entry<P extends Page> = { readonly page: P; readonly poller: Poller };

export type PageStackOptions = {
  readonly clock: Clock;
  /** It is seen on a screen, and kept as things are. In plain lines pages are loaded when they are told. */
  readonly isLive: boolean;
};

/** The pages of a program, the one that is seen last. It knows no terminal: `runPages` shows them on one. */
export class PageStack<P extends Page = Page> {
  readonly clock: Clock;
  readonly isLive: boolean;
  /** Something that is seen has changed. */
  onChanged = (): void => {};
  /** A sentence is to be told now, whatever the page shows: plain lines. */
  onTold = (_text: string): void => {};
  onQuit = (): void => {};
  #entries: readonly Entry<P>[] = [];

  constructor({ clock, isLive }: PageStackOptions) {
    this.clock = clock;
    this.isLive = isLive;
  }

  /** From the first one to the one that is seen; none after the end. */
  get pages(): readonly P[] {
    return this.#entries.map(({ page }) => page);
  }

  get top(): P | undefined {
    return this.#entries.at(-1)?.page;
  }

  changed(): void {
    this.onChanged();
  }

  open(page: P): void {
    this.#hideTop();
    this.#push(page);
  }

  /** Opens a page in the place of the one that is seen. */
  replace(page: P): void {
    this.#cutTo(this.#entries.length - 1);
    this.#push(page);
  }

  back(): void {
    this.#backTo(this.#entries.length - 1);
  }

  /** Back to the first page. */
  home(): void {
    this.#backTo(1);
  }

  quit(): void {
    this.#cutTo(0);
    this.onQuit();
  }

  /** The page that is seen asks for something else now. */
  reload(): void {
    this.#entries.at(-1)?.poller.poke();
  }

  /** What a page shows has changed: it is loaded once more. */
  refresh(page: P): void {
    this.#entries.find((entry) => entry.page === page)?.poller.refresh();
  }

  /** What the page that is seen has under way is given up. */
  giveUp(): void {
    this.#entries.at(-1)?.poller.giveUp();
  }

  /** Loads a page; false when it does not have what it shows, or nobody waits for it any more. */
  async load(page: P, signal: AbortSignal = new AbortController().signal): Promise<boolean> {
    try {
      const loaded = await page.load?.(signal);
      if (loaded?.ok === false) this.onFailure(loaded.failure);
      return loaded?.ok !== false;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    } finally {
      this.changed();
    }
  }

  onKey(key: Key): void {
    const page = this.top;
    if (key.name === 'ctrl' && key.text === 'c') return this.quit();
    if (page === undefined || page.onKey(key)) return;
    if (key.name === 'escape' || (key.name === 'left' && page.isTyping !== true)) this.back();
  }

  /** Takes a line for the page that is seen; true when the page is to be told again. */
  async answer(text: string): Promise<boolean> {
    return (await this.top?.answer?.(text)) === true;
  }

  onResize(): void {
    for (const page of this.pages) page.onResize?.();
  }

  onHangUp(): void {
    this.quit();
  }

  draw(area: Area): readonly Row[] {
    return this.top?.draw(area) ?? [];
  }

  #push(page: P): void {
    const poller = new Poller({
      periodMs: page.pollMs,
      clock: this.clock,
      run: async (signal) => void (await this.load(page, signal)),
    });
    this.#entries = [...this.#entries, { page, poller }];
    this.onShown(page);
  }

  /** A page could not load what it shows. */
  protected onFailure(_failure: ClientError): void {}

  /** Another page is seen now. */
  protected onShown(_page: P): void {
    if (this.isLive) this.#entries.at(-1)?.poller.start();
    this.changed();
  }

  #backTo(count: number): void {
    if (count < 1 || count >= this.#entries.length) return;
    this.#cutTo(count);
    const { top } = this;
    if (top !== undefined) this.onShown(top);
  }

  #hideTop(): void {
    const top = this.#entries.at(-1);
    top?.page.onHidden?.();
    if (top?.page.pollMs !== undefined) top.poller.stop();
  }

  /** Leaves all pages above the first `count`: what they have under way is given up. */
  #cutTo(count: number): void {
    this.#hideTop();
    for (const { poller } of this.#entries.slice(count)) poller.stop();
    this.#entries = this.#entries.slice(0, count);
  }
}
