import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Broker } from '../../../src/mqtt/broker/broker.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { connected, startBroker, textsOf } from '../../helpers/mqtt-broker-rig.ts';
import { until } from '../../helpers/until.ts';
import type { WireClient } from '../../helpers/mqtt-wire-client.ts';

const LEVELS = 64;
/** It begins as all of the filters allow, and ends as none of them does. */
const TOPIC = `${'a/'.repeat(LEVELS - 1)}end`;

/** Filters of 64 levels that all lie on the way of one topic to the last level but one, each on a way of its own. */
function stormFilters(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const levels = Array.from({ length: LEVELS - 1 }, (_, bit) =>
      bit < 12 && (index >> bit) & 1 ? '+' : 'a',
    );
    return `${levels.join('/')}/never`;
  });
}

async function subscribeToMany(client: WireClient, filters: readonly string[]): Promise<void> {
  for (const filter of filters) await client.subscribe(filter);
}

describe('filters of many levels that all lie on the way of one topic', () => {
  it('a turn of the event loop has time for few messages to it, whoever sends them', async (t) => {
    const received: number[] = [];
    const broker = new Broker({ sysTopicIntervalMs: 0 }, (run) => {
      setImmediate(() => {
        run();
        received.push(broker.stats.publishReceived);
      });
    });
    await broker.start();
    t.after(() => broker.close());
    const storm = await connected(broker);
    await subscribeToMany(storm, stormFilters(600));
    const clients = [storm, ...(await Promise.all(Array.from({ length: 5 }, () => connected(broker))))];
    received.length = 0;
    for (let count = 0; count < 5; count++) {
      for (const [index, client] of clients.entries()) client.publish(`${TOPIC} ${index} ${count}`, 'x');
    }
    assert.ok(broker.stats.publishReceived <= 2, 'the turn has no time for those of others either');
    await until('all messages', () => broker.stats.publishReceived === 30);
    const inTurns = received.map((count, turn) => count - (received[turn - 1] ?? 0));
    assert.ok(Math.max(...inTurns) <= 4, `${inTurns.join(' ')} messages in a turn`);
  });

  it('beyond what one match may cost its messages are refused with 0x97; those of fifteen levels never', async (t) => {
    const broker = await startBroker(t);
    for (const filter of stormFilters(1400)) broker.subscribe(filter, () => {});
    const fifteen = Array.from({ length: 15 }, () => 'a').join('/');
    const subscriber = await connected(broker);
    await subscriber.subscribe('#');
    const client = await connected(broker);
    client.publish(TOPIC, 'refused', { qos: 1 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.QUOTA_EXCEEDED);
    assert.equal(broker.publish({ topicName: TOPIC }), 0);
    client.publish(fifteen, 'delivered', { qos: 1, packetId: 2 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.SUCCESS);
    assert.deepEqual(await textsOf(subscriber), ['delivered']);
  });
});
