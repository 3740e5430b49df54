import { ClientError, type Command, type Device, type InvocationResult } from '../../../client/index.ts';
import type { Timer } from '../../../base/clock.ts';
import type { Desk, Hint, Screen } from '../desk.ts';
import { explainFailure } from '../failure-words.ts';
import type { Area, Row } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { ScrolledRows } from '../../ui/scrolled-rows.ts';
import { drawFailure, drawGivenUp, drawResult, drawWaiting } from './answer-view.ts';

/** How often the time that passes is drawn while an answer is awaited, in ms. */
const TICK_MS = 250;

export type AnswerOptions = {
  readonly device: Device;
  readonly command: Command;
  /** What is sent: without `input` for a command that takes none. */
  readonly request: { readonly input?: unknown };
  /** Opens the form again with what was typed; absent for a command without input. */
  readonly edit?: (error: unknown) => Screen;
};

type Outcome =
  | { readonly kind: 'waiting'; readonly since: number }
  | { readonly kind: 'done'; readonly result: InvocationResult; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'given-up' };

/** Sends a command and shows what comes of it. */
export class AnswerScreen implements Screen {
  readonly isTyping = false;
  readonly asksHub = false;
  readonly topic = 'answer';
  readonly #desk: Desk;
  readonly #options: AnswerOptions;
  readonly #rows: ScrolledRows;
  #outcome: Outcome;
  #abort: AbortController | undefined;
  #ticker: Timer | undefined;
  #isConfirmed = false;
  /** The rows of an answer that does not change any more, for one width. */
  #drawn: { readonly columns: number; readonly rows: readonly Row[] } | undefined;

  constructor(desk: Desk, options: AnswerOptions) {
    this.#desk = desk;
    this.#options = options;
    this.#rows = new ScrolledRows(desk.say);
    this.#outcome = { kind: 'waiting', since: desk.clock.monotonic() };
    void this.#send();
  }

  get title(): string {
    return this.#options.command.title;
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    if (this.#outcome.kind === 'waiting') return [{ keys: 'Esc', label: say('keys.cancel') }];
    return [
      { keys: 'r', label: say('keys.again') },
      ...(this.#options.edit === undefined ? [] : [{ keys: 'e', label: say('keys.edit') }]),
      { keys: '↑↓', label: say('keys.scroll') },
      { keys: 'Enter Esc', label: say('keys.back') },
    ];
  }

  /** A screen that lies over it for a moment does not end a command that is under way; going back does. */
  onClosed(): void {
    this.#abort?.abort();
    this.#ticker?.clear();
  }

  onKey(key: Key): boolean {
    if (this.#outcome.kind === 'waiting') return this.#takeWaitingKey(key);
    if (key.name === 'enter') {
      this.#desk.back();
      return true;
    }
    if (key.name === 'text' && key.text === 'r') {
      this.#sendAgain();
      return true;
    }
    this.#isConfirmed = false;
    if (key.name === 'text' && key.text === 'e' && this.#options.edit !== undefined) {
      this.#desk.replace(
        this.#options.edit(this.#outcome.kind === 'failed' ? this.#outcome.error : undefined),
      );
      return true;
    }
    return this.#rows.take(key);
  }

  draw(area: Area): readonly Row[] {
    const { device, command } = this.#options;
    if (this.#outcome.kind === 'waiting') {
      const waitedMs = this.#desk.clock.monotonic() - this.#outcome.since;
      return drawWaiting({ device, command, waitedMs }, this.#desk);
    }
    if (this.#drawn?.columns !== area.columns)
      this.#drawn = { columns: area.columns, rows: this.#drawOutcome(area) };
    return this.#rows.draw(this.#drawn.rows, area);
  }

  #drawOutcome(area: Area): readonly Row[] {
    const { request } = this.#options;
    const outcome = this.#outcome;
    switch (outcome.kind) {
      case 'done':
        return drawResult({ ...outcome, request }, this.#desk, area);
      case 'failed':
        return drawFailure({ error: outcome.error, request }, this.#desk, area);
      default:
        return drawGivenUp(this.#desk, area);
    }
  }

  #takeWaitingKey(key: Key): boolean {
    if (key.name === 'escape' || key.name === 'left') {
      this.#abort?.abort();
      this.#settle({ kind: 'given-up' });
    }
    return true;
  }

  /** What may have been done already is sent again only when somebody says so twice. */
  #sendAgain(): void {
    if (!this.#isConfirmed && this.#isDoubtful) {
      this.#isConfirmed = true;
      this.#desk.notify(this.#desk.say('answer.confirm'));
      return;
    }
    this.#isConfirmed = false;
    this.#outcome = { kind: 'waiting', since: this.#desk.clock.monotonic() };
    void this.#send();
  }

  get #isDoubtful(): boolean {
    const { command } = this.#options;
    if (command.idempotent || command.kind === 'read') return false;
    if (this.#outcome.kind === 'given-up') return true;
    if (this.#outcome.kind !== 'failed') return false;
    return !explainFailure(this.#outcome.error, this.#desk.say, this.#desk.clock.now()).isSafeToRetry;
  }

  async #send(): Promise<void> {
    const { device, command, request } = this.#options;
    const { clock, session } = this.#desk;
    const abort = new AbortController();
    this.#abort = abort;
    const startedAt = clock.monotonic();
    this.#ticker?.clear();
    this.#ticker = clock.setTicker(TICK_MS, () => this.#desk.changed());
    try {
      const options = { ...request, signal: abort.signal };
      const result = await session.call((client) =>
        client.devices.invoke(device.deviceId, command.name, options),
      );
      if (!abort.signal.aborted)
        this.#settle({ kind: 'done', result, tookMs: clock.monotonic() - startedAt });
    } catch (error) {
      if (abort.signal.aborted) return;
      if (!(error instanceof ClientError)) throw error;
      this.#settle({ kind: 'failed', error });
    }
  }

  #settle(outcome: Outcome): void {
    this.#ticker?.clear();
    this.#outcome = outcome;
    this.#drawn = undefined;
    this.#rows.toTop();
    this.#desk.changed();
  }
}
