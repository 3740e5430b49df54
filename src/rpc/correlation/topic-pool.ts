import type { Timer } from '../../base/clock.ts';
import type { CorrelationParts, TopicCorrelation } from './correlation.ts';
import type { Correlation, PendingRequest, RequestEnd } from './pending-request.ts';
import { tooManyRequestsError } from './rpc-errors.ts';

type Opening = {
  /** Whose requests are kept together. */
  readonly topicOf: (request: PendingRequest) => string;
  readonly open: (topicName: string) => TopicCorrelation;
};

/**
 * A correlation for each of a limited number of topics. Those that were not used for `idleMs` are closed; when there
 * are as many as may be, the idle one that was used longest ago makes room.
 */
export class TopicPool implements Correlation {
  readonly #parts: CorrelationParts;
  readonly #opening: Opening;
  /** In the order of their last use. */
  readonly #topics = new Map<string, { readonly correlation: TopicCorrelation; usedMs: number }>();
  #sweeper: Timer | undefined;

  constructor(parts: CorrelationParts, opening: Opening) {
    this.#parts = parts;
    this.#opening = opening;
  }

  start(request: PendingRequest): void {
    const correlation = this.#take(this.#opening.topicOf(request));
    if (correlation !== undefined) return correlation.start(request);
    this.#parts.counters.refusedFull++;
    const { maxAnswerTopics } = this.#parts.settings;
    request.fail(
      tooManyRequestsError(`answers on ${maxAnswerTopics} topics are waited for already (maxAnswerTopics)`),
    );
  }

  onOver(request: PendingRequest, end: RequestEnd): void {
    this.#topics.get(this.#opening.topicOf(request))?.correlation.onOver(request, end);
  }

  close(): void {
    for (const { correlation } of this.#topics.values()) correlation.close();
    this.#topics.clear();
    this.#stopSweeping();
  }

  /** Undefined when all that may be are in use. */
  #take(name: string): TopicCorrelation | undefined {
    const { clock, settings } = this.#parts;
    const found = this.#topics.get(name);
    const isFull = found === undefined && this.#topics.size >= settings.maxAnswerTopics;
    if (isFull && !this.#makeRoom()) return undefined;
    const entry = found ?? { correlation: this.#opening.open(name), usedMs: 0 };
    entry.usedMs = clock.monotonic();
    this.#topics.delete(name);
    this.#topics.set(name, entry);
    this.#sweeper ??= clock.setTicker(settings.idleMs, () => this.#sweep());
    return entry.correlation;
  }

  #makeRoom(): boolean {
    for (const [name, { correlation }] of this.#topics) {
      if (!correlation.isIdle) continue;
      this.#remove(name, correlation);
      return true;
    }
    return false;
  }

  #sweep(): void {
    const before = this.#parts.clock.monotonic() - this.#parts.settings.idleMs;
    for (const [name, { correlation, usedMs }] of this.#topics) {
      if (usedMs <= before && correlation.isIdle) this.#remove(name, correlation);
    }
    if (this.#topics.size === 0) this.#stopSweeping();
  }

  #remove(name: string, correlation: TopicCorrelation): void {
    this.#topics.delete(name);
    correlation.close();
  }

  #stopSweeping(): void {
    this.#sweeper?.clear();
    this.#sweeper = undefined;
  }
}
