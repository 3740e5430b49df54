import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { silentLogger } from '../../base/logger.ts';
import type { DatabaseAnswer, DatabaseRequest } from './database-messages.ts';
import { DatabaseThread } from './database-thread.ts';
import { WorkerDatabase } from './worker-database.ts';

type Operations = { readonly ask: (input: unknown) => string };

const OPENED: DatabaseAnswer = [{ output: {} }];

/** A thread that answers as a test says, or not at all. */
class ScriptedThread extends DatabaseThread {
  readonly asked: DatabaseRequest[] = [];
  readonly #answers: readonly (DatabaseAnswer | 'ends')[];
  #port: MessagePort | undefined;

  constructor(answers: readonly (DatabaseAnswer | 'ends')[]) {
    super({ name: 'scripted', module: new URL(import.meta.url), log: silentLogger });
    this.#answers = answers;
  }

  override connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#port = port2;
    port2.on('message', (request: DatabaseRequest) => {
      const answer = this.#answers[this.asked.push(request) - 1] ?? 'ends';
      if (request.kind === 'close' || answer === 'ends') this.#port!.close();
      else port2.postMessage(answer);
    });
    return port1;
  }
}

async function open(...answers: readonly (DatabaseAnswer | 'ends')[]) {
  const thread = new ScriptedThread(answers);
  const database = new WorkerDatabase<Operations>({
    name: 'test',
    file: 'test.db',
    thread,
    log: silentLogger,
  });
  await database.open();
  return { thread, database };
}

describe('a database in another thread', () => {
  it('that ends is told as ended, answers all who wait, and can be closed', async () => {
    const { database } = await open(OPENED, 'ends');
    const [one, other] = await Promise.all([database.read('ask', 1), database.read('ask', 2)]);
    assert.equal(one.ok || one.failure.state, 'ended');
    assert.equal(other.ok || other.failure.state, 'ended');
    assert.equal(database.health.state, 'ended');
    assert.match(database.health.advice, /start the hub again/);
    await database.close();
  });

  it('takes what cannot be copied to it as a mistake of who asks, and gives nobody the answer of another', async () => {
    const { database } = await open(OPENED, [{ output: 'second' }], [{ output: 'third' }]);
    await assert.rejects(
      database.read('ask', () => {}),
      { name: 'DataCloneError' },
    );
    assert.deepEqual(await database.read('ask', 2), { ok: true, value: 'second' });
    await assert.rejects(
      database.write('ask', () => {}),
      { name: 'DataCloneError' },
    );
    assert.deepEqual(await database.write('ask', 3), { ok: true, value: 'third' });
    await database.close();
  });

  it('writes nothing after it could not read all that must be known first', async () => {
    const fault = { state: 'failing', message: 'disk I/O error' } as const;
    const { database, thread } = await open(OPENED, [{ output: 'a part' }], [{ fault }]);
    assert.ok((await database.load('ask', 1)).ok);
    assert.deepEqual(await database.load('ask', 2), { ok: false, failure: fault });
    assert.deepEqual(await database.write('ask', 3), { ok: false, failure: fault });
    assert.equal(thread.asked.length, 3);
    assert.equal(database.health.state, 'failing');
    assert.match(database.health.advice, /then start the hub again/);
    await database.close();
  });
});
