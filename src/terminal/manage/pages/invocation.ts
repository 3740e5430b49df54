import { succeed, type Result } from '../../../base/result.ts';
import {
  ProblemError,
  type ClientError,
  type Invocation,
  type InvocationDetails,
} from '../../../client/index.ts';
import { drawBlocks, GAP_BLOCK, tellBlocks, textBlock, type Block } from '../../ui/blocks.ts';
import type { Hint } from '../../ui/page.ts';
import type { Area, Row } from '../../ui/rows.ts';
import { failureBlocks, sayPhases } from '../failure-words.ts';
import type { Follows } from '../hub-follower.ts';
import { sayState, toneOfState } from '../invocation-words.ts';
import type { PageContext } from '../page-context.ts';
import { ScrolledPage } from '../scrolled-page.ts';
import { sayTimestamp } from '../time-words.ts';
import { valueBlocks } from '../value-lines.ts';

type InvocationOptions = { readonly invocation: Invocation; readonly title: string };

/** What became of one command, or how it stands. */
export class InvocationPage extends ScrolledPage {
  readonly topic = 'invocation';
  readonly title: string;
  readonly hints: readonly Hint[] = [
    ['↑↓', 'keys.scroll'],
    ['Esc', 'keys.back'],
  ];
  readonly follows: Follows;
  #invocation: Invocation & Partial<InvocationDetails>;
  #failure: ClientError | undefined;

  constructor(app: PageContext, { invocation, title }: InvocationOptions) {
    super(app);
    this.#invocation = invocation;
    this.title = title;
    this.follows = { devices: [invocation.deviceId], kinds: ['invocation'] };
  }

  async load(signal: AbortSignal): Promise<Result<unknown, ClientError>> {
    const { id } = this.#invocation;
    const found = await this.app.hub.call(({ invocations }) => invocations.get(id, { signal }), signal);
    if (found.ok) this.#invocation = found.value;
    this.#failure = !found.ok && found.failure instanceof ProblemError ? found.failure : undefined;
    // What the hub refuses is told here.
    return found.ok || this.#failure !== undefined ? succeed(undefined) : found;
  }

  protected override drawAll(area: Area): readonly Row[] {
    return drawBlocks(this.#blocks(), area);
  }

  override tell(): readonly string[] {
    return [tellBlocks(this.#blocks())];
  }

  #blocks(): Block[] {
    if (this.#failure !== undefined) return failureBlocks(this.#failure, this.app);
    const { say, clock } = this.app;
    const invocation = this.#invocation;
    const now = clock.now();
    const facts = [
      { label: say('answer.reached'), text: sayPhases(invocation, say, now) },
      { label: say('answer.invocation'), text: invocation.id },
    ];
    return [
      textBlock(sayState(invocation, say, now), toneOfState(invocation)),
      { kind: 'facts', facts },
      ...this.#answerBlocks(invocation),
      ...this.#lateBlocks(invocation, now),
    ];
  }

  /** What the device answered, or why it did not. */
  #answerBlocks(told: Pick<Partial<InvocationDetails>, 'output' | 'problem'>): Block[] {
    const { problem, output } = told;
    if (problem !== undefined) return [GAP_BLOCK, ...failureBlocks(new ProblemError(problem), this.app)];
    return output === undefined ? [] : [GAP_BLOCK, ...valueBlocks(output, this.app.say)];
  }

  #lateBlocks({ lateAnswer }: Partial<InvocationDetails>, now: number): Block[] {
    if (lateAnswer === undefined) return [];
    const time = sayTimestamp(lateAnswer.time, now);
    return [
      GAP_BLOCK,
      textBlock(this.app.say('invocation.late', { time }), 'warn'),
      ...this.#answerBlocks(lateAnswer),
    ];
  }
}
