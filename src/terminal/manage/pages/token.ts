import { textRows } from '../../ui/blocks.ts';
import type { Key } from '../../ui/key-reader.ts';
import type { Hint, Question } from '../../ui/page.ts';
import { EMPTY_ROW, type Area, type Row } from '../../ui/rows.ts';
import { TextLine } from '../../ui/text-line.ts';
import { drawTypedLine } from '../../ui/typing-row.ts';
import type { Follows } from '../hub-follower.ts';
import { needsToken } from '../hub-session.ts';
import type { ManagePage, PageContext } from '../page-context.ts';

/** Asks for the token that the hub wants; it is kept in memory only. */
export class TokenPage implements ManagePage {
  readonly isTyping = true;
  readonly topic = 'token';
  /** None is told without a token: so it is seen whether the hub is there, and it wants one. */
  readonly follows: Follows = { kinds: ['forgotten'] };
  readonly hints: readonly Hint[] = [
    ['Enter', 'keys.send'],
    ['Ctrl+U', 'keys.clear'],
    ['Esc', 'keys.back'],
  ];
  readonly #app: PageContext;
  readonly #token = new TextLine();
  #problem: 'token.refused' | 'token.invalid' | undefined;
  #abort = new AbortController();

  constructor(app: PageContext) {
    this.#app = app;
    if (app.hub.hasToken) this.#problem = 'token.refused';
  }

  get title(): string {
    return this.#app.say('token.title');
  }

  onHidden(): void {
    this.#abort.abort();
  }

  onKey(key: Key): boolean {
    if (key.name === 'escape') this.#app.home();
    else if (key.name === 'enter') void this.#check(this.#token.text.trim());
    else return this.#token.take(key);
    return true;
  }

  draw(area: Area): readonly Row[] {
    const { say, hub } = this.#app;
    const typed = { label: say('token.title'), line: this.#token, hint: say('token.hint'), mask: '•' };
    return [
      [{ text: say('token.heading'), tone: 'strong' }],
      EMPTY_ROW,
      ...textRows(say('token.why', { url: hub.url }), area),
      EMPTY_ROW,
      ...drawTypedLine(typed, area),
      EMPTY_ROW,
      ...(this.#problem === undefined ? [] : textRows(say(this.#problem), area, { tone: 'bad' })),
    ];
  }

  tell(): readonly string[] {
    return [this.#app.say(this.#problem ?? 'token.why', { url: this.#app.hub.url })];
  }

  get question(): Question {
    return { text: this.#app.say('plain.token'), isSecret: true };
  }

  async answer(text: string): Promise<boolean> {
    if (text.trim() === '') this.#app.home();
    else await this.#check(text.trim());
    return true;
  }

  async #check(token: string): Promise<void> {
    const { hub } = this.#app;
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#problem = hub.useToken(token) ? undefined : 'token.invalid';
    if (this.#problem !== undefined) return this.#app.changed();
    try {
      const answer = await hub.call(({ devices }) => devices.list({ limit: 1, signal }), signal);
      if (!answer.ok && needsToken(answer.failure)) this.#problem = 'token.refused';
      // When the hub went away meanwhile, the page below says so, and asks again when it is back.
      else this.#app.back();
      this.#app.changed();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
