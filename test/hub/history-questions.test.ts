import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryTelemetryStore } from '../../src/devices/memory-telemetry-store.ts';
import type { HistoryQuery, HistoryValues } from '../../src/devices/telemetry-store.ts';
import { HistoryQuestions } from '../../src/hub/history-questions.ts';

/** A store that answers a question when it is let go on. */
class SlowStore extends MemoryTelemetryStore {
  readonly asked: string[] = [];
  #answer = Promise.withResolvers<void>();

  answerOne(): void {
    this.#answer.resolve();
    this.#answer = Promise.withResolvers<void>();
  }

  override async read(query: HistoryQuery): Promise<HistoryValues> {
    this.asked.push(query.deviceId);
    await this.#answer.promise;
    return super.read(query);
  }
}

const query = (deviceId: string): HistoryQuery => ({
  deviceId,
  metric: 'bar',
  from: 0,
  to: 1,
  by: undefined,
  limit: 1,
});
const always = new AbortController().signal;

async function answerAll(store: SlowStore): Promise<void> {
  for (let asked = -1; asked < store.asked.length;) {
    asked = store.asked.length;
    store.answerOne();
    await new Promise(setImmediate);
  }
}

describe('questions about the history', () => {
  it('are answered one at a time, callers in turns; what one asks beyond its share is refused', async () => {
    const store = new SlowStore({ maxReadings: 1 });
    const counters = { questionsRefused: 0 };
    const questions = new HistoryQuestions(store, counters);
    const evil = Array.from({ length: 10_000 }, () => questions.ask('evil', [query('evil')], always));
    const good = questions.ask('good', [query('good'), query('good')], always);
    await new Promise(setImmediate);
    assert.deepEqual(store.asked, ['evil']);
    await answerAll(store);
    assert.deepEqual(store.asked.slice(0, 4), ['evil', 'evil', 'good', 'good']);
    const answered = (await Promise.all(evil)).filter(({ ok }) => ok).length;
    assert.equal(answered, 17);
    assert.equal(counters.questionsRefused, 10_000 - answered);
    const both = await good;
    assert.equal(both.ok && both.value.length, 2);
  });

  it('are dropped when their caller leaves, waiting or in the middle', async () => {
    const store = new SlowStore({ maxReadings: 1 });
    const questions = new HistoryQuestions(store, { questionsRefused: 0 });
    const [first, second] = [new AbortController(), new AbortController()];
    const left = [
      questions.ask('a', [query('first'), query('first')], first.signal),
      questions.ask('a', [query('second')], second.signal),
    ];
    const last = questions.ask('a', [query('last')], always);
    second.abort();
    first.abort();
    await new Promise(setImmediate);
    await answerAll(store);
    assert.deepEqual(store.asked, ['first', 'last']);
    for (const each of await Promise.all(left)) assert.deepEqual(each, { ok: false, failure: 'left' });
    assert.equal((await last).ok, true);
  });
});
