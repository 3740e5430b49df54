import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { LastingHub } from '../helpers/lasting-hub.ts';
import type { Packet } from '../helpers/mqtt-wire-client.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

const WITH_WILL = 0x04;
const NORMAL = 0x00;
/** Seconds; longer than a test. */
const LONG = 3600;

/** Says goodbye, and waits until the broker has done what that means. */
async function leave(
  client: TcpWireClient,
  reasonCode: Packet<'disconnect'>['reasonCode'],
  properties: Packet<'disconnect'>['properties'] = {},
): Promise<void> {
  client.send({ type: 'disconnect', reasonCode, properties });
  assert.equal(await client.next(), undefined);
}

async function publish(
  client: TcpWireClient,
  topicName: string,
  fields: Partial<Packet<'publish'>>,
): Promise<void> {
  client.publish(topicName, topicName, { qos: 1, ...fields });
  await client.expect('puback');
}

/** The topics of all that a client has been sent. */
async function topicsOf(client: TcpWireClient): Promise<string[]> {
  const topics: string[] = [];
  client.send({ type: 'pingreq' });
  for (let packet = await client.next(); packet?.type !== 'pingresp'; packet = await client.next()) {
    assert.equal(packet?.type, 'publish');
    const { topicName, qos, packetId } = packet;
    if (qos === 1) client.acknowledge('puback', packetId);
    topics.push(topicName);
  }
  return topics.toSorted();
}

describe('a broker that was away for a time', () => {
  it('finds expired what has expired meanwhile, and nothing else', async (t) => {
    const hub = await LastingHub.start(t);
    const join = async (clientId: string, sessionExpiryInterval: number): Promise<TcpWireClient> => {
      const client = new TcpWireClient(hub.mqttPort);
      await client.connect(clientId, { properties: { sessionExpiryInterval } });
      await client.subscribe('t/#', 1);
      return client;
    };
    (await join('short', 1)).destroy();
    (await join('long', LONG)).destroy();
    await leave(await join('made longer', 1), NORMAL, { sessionExpiryInterval: LONG });
    await leave(await join('made shorter', LONG), NORMAL, { sessionExpiryInterval: 1 });
    await leave(await join('ended', LONG), NORMAL, { sessionExpiryInterval: 0 });
    const publisher = await join('publisher', 0);
    publisher.send({ type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['t/#'] });
    await publisher.expect('unsuback');
    for (const [name, seconds] of [
      ['brief', 1],
      ['lasting', LONG],
    ] as const) {
      const properties = { messageExpiryInterval: seconds };
      await publish(publisher, `t/${name}`, { properties });
      await publish(publisher, `t/retained/${name}`, { properties, retain: true });
    }
    await hub.end('SIGTERM');
    await sleep(2100);
    await hub.begin();

    const found: Record<string, boolean> = {};
    for (const clientId of ['short', 'long', 'made longer', 'made shorter', 'ended']) {
      const client = new TcpWireClient(hub.mqttPort);
      found[clientId] = (await client.connect(clientId)).sessionPresent;
      const expected = found[clientId] ? ['t/lasting', 't/retained/lasting'] : [];
      assert.deepEqual(await topicsOf(client), expected, clientId);
      client.destroy();
    }
    assert.deepEqual(found, {
      short: false,
      long: true,
      'made longer': true,
      'made shorter': false,
      ended: false,
    });
    const reader = await join('reader', 0);
    assert.deepEqual(await topicsOf(reader), ['t/retained/lasting']);
    reader.destroy();
  });
});

/** How the client of a Will goes: with the broker, or with a DISCONNECT before. */
const GOINGS = ['with the broker', WITH_WILL, NORMAL] as const;
const WILLS = GOINGS.flatMap((going) =>
  [0, 30].flatMap((willDelayInterval) =>
    ([0, 1] as const).flatMap((qos) =>
      [false, true].map((retain) => ({ going, willDelayInterval, qos, retain })),
    ),
  ),
).map((will, index) => ({ ...will, topicName: `will/${index}` }));

describe('a broker that is killed', () => {
  it('publishes the Wills that are due, at their QoS, retained or not, with what belongs to them', async (t) => {
    const hub = await LastingHub.start(t);
    const watcher = new TcpWireClient(hub.mqttPort);
    await watcher.connect('watcher');
    await watcher.subscribe('will/#', 1);
    watcher.destroy();
    for (const { topicName, qos, retain, willDelayInterval, going } of WILLS) {
      const client = new TcpWireClient(hub.mqttPort);
      const properties = {
        willDelayInterval,
        payloadFormatIndicator: 1,
        contentType: 'text',
        userProperties: [['a name', 'nothing important']] as [string, string][],
      } as const;
      const willMessage = {
        topicName,
        payload: Buffer.from('My simple will message'),
        qos,
        retain,
        properties,
      };
      await client.connect(`of ${topicName}`, { willMessage, properties: { sessionExpiryInterval: 60 } });
      if (going !== 'with the broker') await leave(client, going);
    }
    await hub.restart('SIGKILL');

    const due = WILLS.filter(({ going, willDelayInterval }) => going !== NORMAL && willDelayInterval === 0);
    const namesOf = (wills: typeof WILLS): string[] => wills.map(({ topicName }) => topicName).toSorted();
    const back = new TcpWireClient(hub.mqttPort);
    assert.equal((await back.connect('watcher')).sessionPresent, true);
    // QoS 0 does not wait for a client that is away.
    assert.deepEqual(await topicsOf(back), namesOf(due.filter(({ qos }) => qos === 1)));
    back.destroy();
    const reader = new TcpWireClient(hub.mqttPort);
    await reader.connect('reader', { cleanStart: true, properties: {} });
    await reader.subscribe('will/#', 1);
    const retained: Packet<'publish'>[] = [];
    for (const _ of due.filter(({ retain }) => retain)) retained.push(await reader.expect('publish'));
    assert.deepEqual(await topicsOf(reader), []);
    reader.destroy();
    assert.deepEqual(
      retained.map(({ topicName }) => topicName).toSorted(),
      namesOf(due.filter(({ retain }) => retain)),
    );
    for (const { properties, payload } of retained)
      assert.deepEqual(
        [Buffer.from(payload).toString(), properties],
        [
          'My simple will message',
          {
            payloadFormatIndicator: 1,
            contentType: 'text',
            userProperties: [['a name', 'nothing important']],
          },
        ],
      );
  });
});
