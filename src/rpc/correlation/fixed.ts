import type { Exchange, ExchangeEnd } from '../exchange.ts';
import { IdleShelf } from '../idle-shelf.ts';
import { tooManyRequestsError } from '../rpc-errors.ts';
import type { Correlation, CorrelationParts } from './correlation.ts';
import { FixedPair } from './fixed-pair.ts';

/** Answers that come on one topic, the same for all requests; each such topic is a `FixedPair`. */
export class FixedCorrelation implements Correlation {
  readonly #parts: CorrelationParts;
  readonly #pairs: IdleShelf<FixedPair>;

  constructor(parts: CorrelationParts) {
    const { maxAnswerTopics, idleMs } = parts.settings;
    this.#parts = parts;
    this.#pairs = new IdleShelf(parts.clock, { maxItems: maxAnswerTopics, idleMs });
  }

  start(exchange: Exchange): void {
    const { responseTopic } = exchange.fields;
    const pair = this.#pairs.take(responseTopic, () => new FixedPair(this.#parts, responseTopic));
    if (pair !== undefined) {
      pair.start(exchange);
      return;
    }
    this.#parts.counters.refusedFull++;
    const { maxAnswerTopics } = this.#parts.settings;
    exchange.fail(
      tooManyRequestsError(`answers on ${maxAnswerTopics} topics are waited for already (maxAnswerTopics)`),
    );
  }

  onOver(exchange: Exchange, end: ExchangeEnd): void {
    this.#pairs.find(exchange.fields.responseTopic)?.onOver(exchange, end);
  }

  close(): void {
    this.#pairs.closeAll();
  }
}
