import type { Correlation, PendingRequest, RequestEnd } from '../pending-request.ts';
import { IdlePool } from '../idle-pool.ts';
import { tooManyRequestsError } from '../rpc-errors.ts';
import type { CorrelationParts } from './correlation.ts';
import { FixedPair } from './fixed-pair.ts';

/** Answers that come on one topic, the same for all requests; each such topic is a `FixedPair`. */
export class FixedCorrelation implements Correlation {
  readonly #parts: CorrelationParts;
  readonly #pairs: IdlePool<FixedPair>;

  constructor(parts: CorrelationParts) {
    const { maxAnswerTopics, idleMs } = parts.settings;
    this.#parts = parts;
    this.#pairs = new IdlePool(parts.clock, { maxItems: maxAnswerTopics, idleMs });
  }

  start(request: PendingRequest): void {
    const { responseTopic } = request.fields;
    const pair = this.#pairs.take(responseTopic, () => new FixedPair(this.#parts, responseTopic));
    if (pair !== undefined) {
      pair.start(request);
      return;
    }
    this.#parts.counters.refusedFull++;
    const { maxAnswerTopics } = this.#parts.settings;
    request.fail(
      tooManyRequestsError(`answers on ${maxAnswerTopics} topics are waited for already (maxAnswerTopics)`),
    );
  }

  onOver(request: PendingRequest, end: RequestEnd): void {
    this.#pairs.find(request.fields.responseTopic)?.onOver(request, end);
  }

  close(): void {
    this.#pairs.closeAll();
  }
}
