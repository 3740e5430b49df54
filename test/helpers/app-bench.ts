import { ManageApp } from '../../src/terminal/manage/manage-app.ts';
import { layOut } from '../../src/terminal/ui/rows.ts';
import type { Key } from '../../src/terminal/ui/key-reader.ts';
import type { Language } from '../../src/terminal/language.ts';
import type { FakeHub } from './fake-hub.ts';
import { ManualClock } from './manual-clock.ts';
import { until } from './until.ts';

type AppOptions = {
  readonly columns?: number;
  readonly rows?: number;
  readonly language?: Language;
  /** Only the proposed address leads to the hub: none is given. */
  readonly isAddressProposed?: boolean;
};

/** The management application without a terminal, looking at a fake hub. Its time goes on only in `see`. */
export class AppBench {
  readonly clock = new ManualClock(Date.now());
  readonly app: ManageApp;
  /** Every text that was drawn. */
  readonly frames: string[] = [];
  #columns: number;

  constructor(
    hub: FakeHub,
    { columns = 80, rows = 24, language = 'en', isAddressProposed }: AppOptions = {},
  ) {
    this.#columns = columns;
    this.app = new ManageApp({
      url: isAddressProposed === true ? undefined : hub.url,
      defaultUrl: hub.url,
      token: undefined,
      language,
      clock: this.clock,
      size: { columns, rows },
      onQuit: () => {},
    });
    this.app.subscribe(() => this.frames.push(this.text));
  }

  get text(): string {
    const lines = this.app.draw().map((row) => layOut(row, this.#columns).map((cell) => cell.text));
    return lines.map((cells) => cells.join('')).join('\n');
  }

  get lastLine(): string {
    return this.text.split('\n').at(-1) ?? '';
  }

  resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.app.resize({ columns, rows });
  }

  press(...names: readonly Key['name'][]): void {
    for (const name of names) this.app.onKey({ name, text: '' });
  }

  type(text: string): void {
    for (const character of text) this.app.onKey({ name: 'text', text: character });
  }

  /** Lets time go on until the text is seen. */
  see(what: string | RegExp): Promise<boolean> {
    return until(String(what), () => {
      this.clock.advance(10);
      return typeof what === 'string' ? this.text.includes(what) : what.test(this.text);
    });
  }
}
