import { HubAnswerError, HubUnreachableError } from '../../../client/index.ts';
import type { Desk, Hint, Screen } from '../desk.ts';
import { needsToken } from '../hub-session.ts';
import { EMPTY_ROW, widthOf, wrapLines, type Area, type Row } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { TextLine } from '../../ui/text-line.ts';
import { typingCells } from '../../ui/typing-row.ts';

const MAX_TOKEN_COLUMNS = 60;

/** Asks for the token that the hub wants; it is kept in memory only. */
export class TokenScreen implements Screen {
  readonly isTyping = true;
  readonly asksHub = false;
  readonly topic = 'token';
  readonly #desk: Desk;
  readonly #token = new TextLine();
  #problem: 'token.refused' | 'token.invalid' | undefined;
  #abort: AbortController | undefined;

  constructor(desk: Desk) {
    this.#desk = desk;
    if (desk.session.hasToken) this.#problem = 'token.refused';
  }

  get title(): string {
    return this.#desk.say('token.title');
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    return [
      { keys: 'Enter', label: say('keys.send') },
      { keys: 'Ctrl+U', label: say('keys.clear') },
      { keys: 'Esc', label: say('keys.back') },
    ];
  }

  onHidden(): void {
    this.#abort?.abort();
  }

  onKey(key: Key): boolean {
    if (key.name === 'escape') this.#desk.home();
    else if (key.name === 'enter') void this.#check();
    else return this.#token.take(key);
    return true;
  }

  draw(area: Area): readonly Row[] {
    const { say, session } = this.#desk;
    const label = `${say('token.label')}  `;
    const columns = Math.min(MAX_TOKEN_COLUMNS, area.columns - widthOf(label));
    const problem = this.#problem === undefined ? [] : wrapLines(say(this.#problem), area.columns);
    return [
      [{ text: say('token.heading'), tone: 'strong' }],
      EMPTY_ROW,
      ...wrapLines(say('token.why', { url: session.url }), area.columns).map((text): Row => [{ text }]),
      EMPTY_ROW,
      [{ text: label }, ...typingCells(this.#token, { columns, hasFocus: true, mask: '•' })],
      [{ text: ' '.repeat(widthOf(label)) }, { text: say('token.hint'), tone: 'dim' }],
      EMPTY_ROW,
      ...problem.map((text): Row => [{ text, tone: 'bad' }]),
    ];
  }

  async #check(): Promise<void> {
    const { session } = this.#desk;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#problem = undefined;
    try {
      session.useToken(this.#token.text.trim());
      await session.call((client) => client.devices.list({ limit: 1, signal: abort.signal }));
      if (!abort.signal.aborted) this.#desk.back();
    } catch (error) {
      if (abort.signal.aborted) return;
      if (error instanceof TypeError) this.#problem = 'token.invalid';
      else if (needsToken(error)) this.#problem = 'token.refused';
      // The hub went away meanwhile: the screen below says so, and asks again when it is back.
      else if (error instanceof HubUnreachableError || error instanceof HubAnswerError) this.#desk.back();
      else throw error;
    } finally {
      this.#desk.changed();
    }
  }
}
