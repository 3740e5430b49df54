import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startRig, willOf, type BrokerRig } from '../../helpers/mqtt-broker-rig.ts';
import { turnEnd, type WireClient } from '../../helpers/mqtt-wire-client.ts';

const TICK_MS = 250;
/** Of one turn. */
const TURN_WORK = 65_536;

/** Lets the broker's timers run until `isDone`. */
async function tickUntil({ clock }: BrokerRig, isDone: () => boolean): Promise<void> {
  for (let ticks = 0; !isDone(); ticks++) {
    assert.ok(ticks < 1000, 'it comes to its end');
    clock.advance(TICK_MS);
    await turnEnd();
  }
}

const breakAll = (clients: readonly WireClient[]): void => {
  for (const { transport } of clients) transport.breakOff();
};

describe('many clients that leave at once', () => {
  it('their Wills go to many in turns, and none is lost', async (t) => {
    const rig = await startRig(t);
    const { broker, connected, subscribed, sessionIds } = rig;
    const watchers = 200;
    for (let count = 0; count < watchers; count++) await subscribed('w');
    const clients: WireClient[] = [];
    for (let count = 0; count < 500; count++)
      clients.push(await connected({ clientId: `c${count}`, willMessage: willOf({ topicName: 'w' }) }));
    await turnEnd();
    breakAll(clients);
    const { willsPublished } = broker.stats;
    assert.ok(willsPublished * watchers <= TURN_WORK + watchers, `${willsPublished} in one turn`);
    assert.equal(broker.counts.clients, watchers, 'they have left all the same');
    await tickUntil(rig, () => broker.stats.willsPublished === clients.length);
    await tickUntil(rig, () => sessionIds().length === watchers);
    assert.equal(broker.stats.sessionsExpired, 0);
  });

  it('a Will that waits for its turn is published when its client is back before it', async (t) => {
    const rig = await startRig(t);
    const { broker, connected, subscribed } = rig;
    for (let count = 0; count < 200; count++) await subscribed('w');
    const clients: WireClient[] = [];
    const fields = { willMessage: willOf({ topicName: 'w' }), properties: { sessionExpiryInterval: 60 } };
    for (let count = 0; count < 500; count++)
      clients.push(await connected({ clientId: `c${count}`, ...fields }));
    await turnEnd();
    breakAll(clients);
    const before = broker.stats.willsPublished;
    assert.ok(before < 500);
    await connected({ clientId: 'c499', cleanStart: false, properties: { sessionExpiryInterval: 60 } });
    assert.equal(broker.stats.willsPublished, before + 1);
  });

  it('what waits in members of a Shared Subscription goes to the one that stays, all of it', async (t) => {
    const rig = await startRig(t, { maxQueuedMessages: 100_000 });
    const { broker, connected, sessionIds } = rig;
    const members: WireClient[] = [];
    for (let count = 0; count < 20; count++) {
      const member = await connected({ clientId: `m${count}`, properties: { receiveMaximum: 1 } });
      await member.subscribe('$share/g/x', { qos: 1 });
      members.push(member);
    }
    const total = 20_000;
    for (let count = 0; count < total; count++) broker.publish({ topicName: 'x', qos: 1 });
    await turnEnd();
    breakAll(members.slice(1));
    assert.ok(sessionIds().length > 1, 'not all of it is moved in one turn');
    await tickUntil(rig, () => sessionIds().length === 1);
    const left = broker.sessions().next().value!;
    assert.equal(left.queuedCount + left.inflightCount, total);
  });
});
