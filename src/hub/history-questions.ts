import { FairQueue } from '../base/fair-queue.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import type { HistoryQuery, HistoryValues, TelemetryStore } from '../devices/telemetry-store.ts';

/** Questions that wait for their turn: one is answered at a time. */
const WAITING = { maxItems: 256, maxItemsPerCaller: 16 };

/** `too-many` wait already, of this caller or of all; the history is `unreadable`; its asker has `left`. */
export type QuestionFailure = 'too-many' | 'unreadable' | 'left';
type Answers = Result<readonly HistoryValues[], QuestionFailure>;

type Question = {
  readonly queries: readonly HistoryQuery[];
  readonly signal: AbortSignal;
  readonly answer: (answers: Answers | Promise<Answers>) => void;
};

/** Puts questions to a store, one after the other: callers take turns, and nothing is read for who has left. */
export class HistoryQuestions {
  readonly #store: TelemetryStore;
  readonly #waiting = new FairQueue<Question>(WAITING, (displaced) => this.#refuse(displaced));
  #isAsking = false;
  readonly #counters: { questionsRefused: number };

  constructor(store: TelemetryStore, counters: { questionsRefused: number }) {
    this.#store = store;
    this.#counters = counters;
  }

  /** @param queries - of one question: they are answered together */
  ask(caller: string, queries: readonly HistoryQuery[], signal: AbortSignal): Promise<Answers> {
    return new Promise((answer) => {
      const question = { queries, signal, answer };
      if (!this.#waiting.push(caller, question)) return this.#refuse(question);
      // Its place is for others as soon as nobody waits for it.
      const leave = (): void => {
        if (this.#waiting.remove(caller, question)) answer(fail('left'));
      };
      signal.addEventListener('abort', leave, { once: true });
      if (!this.#isAsking) void this.#askAll();
    });
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    for (
      let next = this.#waiting.take(() => true);
      next !== undefined;
      next = this.#waiting.take(() => true)
    ) {
      const answers = this.#read(next);
      next.answer(answers);
      await answers.catch(() => undefined);
    }
    this.#isAsking = false;
  }

  async #read({ queries, signal }: Question): Promise<Answers> {
    const found: HistoryValues[] = [];
    for (const query of queries) {
      const values = signal.aborted ? undefined : await this.#store.read(query, signal);
      if (signal.aborted) return fail('left');
      if (values === undefined) return fail('unreadable');
      found.push(values);
    }
    return succeed(found);
  }

  #refuse({ answer }: Question): void {
    this.#counters.questionsRefused++;
    answer(fail('too-many'));
  }
}
