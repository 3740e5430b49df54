import type { Language } from '../../src/terminal/language.ts';
import { ManageApp } from '../../src/terminal/manage/manage-app.ts';
import type { Key } from '../../src/terminal/ui/key-reader.ts';
import { layOut, type Area } from '../../src/terminal/ui/rows.ts';
import type { FakeHub } from './fake-hub.ts';
import { ManualClock } from './manual-clock.ts';
import { until } from './until.ts';

type AppOptions = {
  readonly language?: Language;
  /** Only the proposed address leads to the hub: none is given. */
  readonly isAddressProposed?: boolean;
};

/** The management application without a terminal, looking at a fake hub. Its time goes on only in `see`. */
export class ManageAppRig {
  readonly clock = new ManualClock(Date.now());
  readonly app: ManageApp;
  /** Every text that was drawn. */
  readonly screens: string[] = [];
  #size: Area = { columns: 80, rows: 24 };

  constructor(hub: FakeHub, { language = 'en', isAddressProposed }: AppOptions = {}) {
    this.app = new ManageApp({
      url: isAddressProposed === true ? undefined : hub.url,
      defaultUrl: hub.url,
      token: undefined,
      language,
      clock: this.clock,
      isLive: true,
    });
    this.app.onChanged = () => this.screens.push(this.text);
  }

  get lines(): string[] {
    const { columns } = this.#size;
    return this.app.draw(this.#size).map((row) =>
      layOut(row, columns)
        .map((cell) => cell.text)
        .join(''),
    );
  }

  get text(): string {
    return this.lines.join('\n');
  }

  get lastLine(): string {
    return this.lines.at(-1) ?? '';
  }

  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    this.app.onResize();
  }

  press(...names: readonly Key['name'][]): void {
    for (const name of names) this.#take({ name, text: '' });
  }

  type(text: string): void {
    for (const character of text) this.#take({ name: 'text', text: character });
  }

  pressCtrl(letter: string): void {
    this.#take({ name: 'ctrl', text: letter });
  }

  /** Lets time go on until the text is seen. */
  see(what: string | RegExp): Promise<boolean> {
    return until(String(what), () => {
      this.clock.advance(10);
      return typeof what === 'string' ? this.text.includes(what) : what.test(this.text);
    });
  }

  #take(key: Key): void {
    this.app.onKey(key);
    this.screens.push(this.text);
  }
}
