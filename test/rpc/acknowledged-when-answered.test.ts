import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { openBrokerOnTcp, type BrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { until } from '../helpers/until.ts';
import type { ClientBusOptions } from '../../src/bus/bus-options.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { connectBus } from '../../src/bus/client-bus.ts';
import { createRequester, createResponder, type ServeOptions } from '../../src/rpc/index.ts';

const HELD: ServeOptions = { acknowledges: 'answered' };

async function startBroker(t: TestContext): Promise<BrokerOnTcp> {
  const broker = await openBrokerOnTcp();
  t.after(() => broker.close());
  return broker;
}

async function open(t: TestContext, url: string, options: ClientBusOptions = {}): Promise<Bus> {
  const bus = await connectBus(url, { reconnectMinMs: 1, reconnectMaxMs: 5, ...options });
  t.after(() => bus.close());
  return bus;
}

describe('a request that is acknowledged when it is answered', () => {
  it('goes to another responder of the group when the first one is killed', async (t) => {
    const { url } = await startBroker(t);
    const first = new ChildProgram(
      [process.execPath, `${import.meta.dirname}/../helpers/slow-responder.ts`, url, 'answered'],
      { name: 'the first responder' },
    );
    t.after(() => first.stop());
    await first.waitForLine('ready');
    const requester = createRequester(await open(t, url));
    const answer = requester.request('ask', 'question');
    await first.waitForLine('begun');
    const second = createResponder(await open(t, url));
    await second.serve('ask', () => 'from the second', { ...HELD, group: 'g' });
    first.signal('SIGKILL');
    const { payload } = await answer;
    assert.equal(Buffer.from(payload).toString(), 'from the second');
  });

  it('is carried out once where the session goes on, and is not sent a third time', async (t) => {
    const { url, broker } = await startBroker(t);
    const bus = await open(t, url, { clientId: 'worker', sessionExpiryInterval: 60 });
    const work = Promise.withResolvers<string>();
    let calls = 0;
    const responder = createResponder(bus);
    await responder.serve('ask', () => (calls++, work.promise), HELD);
    const requester = createRequester(await open(t, url));
    const answer = requester.request('ask', 'question');
    await until('the handler runs', () => calls === 1);
    const again = async (): Promise<void> => {
      const { received, reconnected } = bus.counters;
      broker.disconnectClient('worker');
      await until('it is back', () => bus.counters.reconnected > reconnected);
      await until('the request has come again', () => bus.counters.received > received);
    };
    await again();
    assert.equal(calls, 1);
    work.resolve('done');
    assert.equal(Buffer.from((await answer).payload).toString(), 'done');
    await until('the broker has the answer', () => responder.counters.answered === 1);
    // Behind the acknowledgement.
    await bus.publish({ topicName: 'other', payload: Buffer.alloc(0), qos: 1 });
    const { received } = bus.counters;
    broker.disconnectClient('worker');
    await until('it is back', () => bus.counters.reconnected === 2);
    await requester.request('ask', 'another');
    assert.equal(bus.counters.received, received + 1);
    assert.equal(calls, 2);
  });

  it('is left for another one when the responder closes before it has begun', async (t) => {
    const { url } = await startBroker(t);
    const bus = await open(t, url);
    const first = createResponder(bus, { maxConcurrent: 1, closeTimeoutMs: 1 });
    let calls = 0;
    const forEver = new Promise<string>(() => {});
    await first.serve('ask', () => (calls++, forEver), { ...HELD, group: 'g' });
    const requester = createRequester(await open(t, url));
    const answers = ['one', 'two'].map((text) => requester.request('ask', text));
    await until('one runs and one waits', () => calls === 1 && first.waiting === 1);
    const second = createResponder(await open(t, url));
    await second.serve('ask', ({ payload }) => payload, { ...HELD, group: 'g' });
    await first.close();
    await bus.close();
    const got = await Promise.all(answers);
    assert.deepEqual(
      got.map(({ payload }) => Buffer.from(payload).toString()),
      ['one', 'two'],
    );
  });
});
