import { succeed, type Result } from '../../../base/result.ts';
import type { ClientError, Command, Device, InvocationResult } from '../../../client/index.ts';
import type { Say } from '../../messages.ts';
import { drawBlocks, GAP_BLOCK, tellBlocks, textBlock, type Block, type Fact } from '../../ui/blocks.ts';
import type { Key } from '../../ui/key-reader.ts';
import type { Hint } from '../../ui/page.ts';
import type { Area, Row } from '../../ui/rows.ts';
import { failureBlocks, sayPhases } from '../failure-words.ts';
import type { ManagePage, PageContext } from '../page-context.ts';
import { ScrolledPage } from '../scrolled-page.ts';
import { sayShortDuration } from '../time-words.ts';
import { valueBlocks } from '../value-lines.ts';

/** How often the time that passes is drawn while an answer is awaited, in ms. */
const TICK_MS = 250;

type AnswerOptions = {
  readonly device: Device;
  readonly command: Command;
  /** What is sent: without `input` for a command that takes none. */
  readonly request: { readonly input?: unknown };
  /** Opens the form again with what was typed; absent for a command without input. */
  readonly edit?: (error: ClientError | undefined) => ManagePage;
};

type Stage =
  | { readonly kind: 'waiting'; readonly since: number }
  | { readonly kind: 'done'; readonly result: InvocationResult; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly error: ClientError }
  | { readonly kind: 'given-up' };

/** Sends a command and shows what comes of it. A page that lies over it for a moment does not end the command. */
export class AnswerPage extends ScrolledPage {
  readonly topic = 'answer';
  readonly #options: AnswerOptions;
  #stage: Stage;
  #isConfirmed = false;
  /** The rows of an answer that does not change any more, for one width. */
  #drawn: { readonly columns: number; readonly rows: readonly Row[] } | undefined;

  constructor(app: PageContext, options: AnswerOptions) {
    super(app);
    this.#options = options;
    this.#stage = { kind: 'waiting', since: app.clock.monotonic() };
  }

  get title(): string {
    return this.#options.command.title;
  }

  get hints(): readonly Hint[] {
    if (this.#stage.kind === 'waiting') return [['Esc', 'keys.cancel']];
    return [
      ['r', 'keys.again'],
      ...(this.#options.edit === undefined ? [] : ([['e', 'keys.edit']] as const)),
      ['↑↓', 'keys.scroll'],
      ['Enter Esc', 'keys.back'],
    ];
  }

  async load(signal: AbortSignal): Promise<Result<void, never>> {
    const { device, command, request } = this.#options;
    const { clock, hub, say, isLive } = this.app;
    const { deviceId: id } = device;
    if (!isLive) this.app.notify(say('plain.sending', { command: command.title, id }));
    const since = clock.monotonic();
    const ticker = clock.setTicker(TICK_MS, () => this.app.changed());
    const answer = await hub
      .call(({ devices }) => devices.invoke(id, command.name, { ...request, signal }), signal)
      .finally(() => ticker.clear());
    this.#enter(
      answer.ok
        ? { kind: 'done', result: answer.value, tookMs: clock.monotonic() - since }
        : { kind: 'failed', error: answer.failure },
    );
    return succeed(undefined);
  }

  override onKey(key: Key): boolean {
    if (this.#stage.kind === 'waiting') {
      if (key.name === 'escape' || key.name === 'left') {
        this.app.giveUp();
        this.#enter({ kind: 'given-up' });
      }
      return true;
    }
    if (key.name === 'text' && key.text === 'r') this.#sendAgain();
    else {
      this.#isConfirmed = false;
      const { edit } = this.#options;
      if (key.name === 'enter') this.app.back();
      else if (key.name === 'text' && key.text === 'e' && edit !== undefined)
        this.app.replace(edit(this.#stage.kind === 'failed' ? this.#stage.error : undefined));
      else return super.onKey(key);
    }
    return true;
  }

  protected override drawAll(area: Area): readonly Row[] {
    if (this.#stage.kind === 'waiting') return drawBlocks(this.#blocks(), area);
    if (this.#drawn?.columns !== area.columns)
      this.#drawn = { columns: area.columns, rows: drawBlocks(this.#blocks(), area) };
    return this.#drawn.rows;
  }

  override tell(): readonly string[] {
    return [tellBlocks(this.#blocks())];
  }

  #blocks(): Block[] {
    const { say, clock } = this.app;
    const { device, command, request } = this.#options;
    const stage = this.#stage;
    switch (stage.kind) {
      case 'waiting': {
        const waitedMs = clock.monotonic() - stage.since;
        // Whole tenths jump too fast to read: the time is told in steps of half a second.
        const time = waitedMs < 1000 ? '' : sayShortDuration(say, Math.floor(waitedMs / 500) * 500);
        return [
          textBlock(command.title, 'strong'),
          GAP_BLOCK,
          textBlock(say('answer.waiting', { id: device.deviceId, time }), 'dim'),
        ];
      }
      case 'done':
        return this.#resultBlocks(stage.result, stage.tookMs);
      case 'failed':
        return failureBlocks(stage.error, this.app, inputFacts(request, say));
      default:
        return [
          textBlock(say('answer.given-up'), 'warn'),
          GAP_BLOCK,
          textBlock(say('answer.given-up.detail')),
        ];
    }
  }

  #resultBlocks({ output, invocation }: InvocationResult, tookMs: number): Block[] {
    const { say, clock, isLive } = this.app;
    const facts: Fact[] = [
      ...inputFacts(this.#options.request, say),
      { label: say('answer.reached'), text: sayPhases(invocation, say, clock.now()), tone: 'dim' },
      { label: say('answer.invocation'), text: invocation.id, tone: 'dim' },
    ];
    const done = say('answer.done', { time: sayShortDuration(say, tookMs) });
    return [
      textBlock(isLive ? done : `${done}:`, 'dim', { text: '✓ ', tone: 'good' }),
      GAP_BLOCK,
      ...(output === null ? [textBlock(say('answer.nothing'))] : valueBlocks(output, say)),
      GAP_BLOCK,
      { kind: 'facts', facts: facts.filter(({ text }) => text !== '') },
    ];
  }

  /** What may have been done already is sent again only when somebody says so twice. */
  #sendAgain(): void {
    this.#isConfirmed = !this.#isConfirmed && this.#isDoubtful;
    if (this.#isConfirmed) return this.app.notify(this.app.say('answer.confirm'));
    this.#enter({ kind: 'waiting', since: this.app.clock.monotonic() });
    this.app.reload();
  }

  get #isDoubtful(): boolean {
    const { command } = this.#options;
    if (command.idempotent || command.kind === 'read') return false;
    if (this.#stage.kind !== 'failed') return this.#stage.kind === 'given-up';
    return this.#stage.error.safeToRetry !== true;
  }

  #enter(stage: Stage): void {
    this.#stage = stage;
    this.#drawn = undefined;
    this.toTop();
    this.app.changed();
  }
}

function inputFacts({ input }: AnswerOptions['request'], say: Say): Fact[] {
  if (input === undefined) return [];
  return [{ label: say('answer.input'), text: typeof input === 'string' ? input : JSON.stringify(input) }];
}
