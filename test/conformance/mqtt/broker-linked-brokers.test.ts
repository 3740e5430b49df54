import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import type { ProtocolVersion } from '../../../src/mqtt/codec/control-packet.ts';
import {
  publishesOf,
  startRig,
  textOf,
  textsOf,
  VERSION_NAMES,
  willOf,
  type ConnectFields,
} from '../../helpers/mqtt-broker-rig.ts';

const OWN_STATE = '$SYS/broker/connection/link/state';
const LINK: ConnectFields = { clientId: 'link', isBroker: true };

describe('a broker that says by bit 7 of its Protocol Level, or by its Will, that it is one', () => {
  const byWill: ConnectFields = { clientId: 'link', willMessage: willOf({ topicName: OWN_STATE }) };
  for (const [version, fields, how] of [
    [3, LINK, 'bit 7'],
    [4, LINK, 'bit 7'],
    [3, byWill, 'Will'],
    [4, byWill, 'Will'],
  ] as const) {
    it(`does not get back what it published, and RETAIN as it was (${VERSION_NAMES[version]}, ${how})`, async (t) => {
      const { broker, connected } = await startRig(t);
      const link = await connected(fields, version);
      const local = await connected();
      await link.subscribe('a/#', { qos: 2 });
      await local.subscribe('a/#', { qos: 2 });
      link.publish('a/1', 'from the other broker');
      local.publish('a/2', 'from here', { retain: true });
      assert.deepEqual(await textsOf(local), ['from the other broker', 'from here']);
      const received = publishesOf(await link.all());
      assert.deepEqual(
        received.map((publish) => [textOf(publish), publish.retain]),
        [['from here', true]],
      );
      assert.equal([...broker.sessions()][0]!.client.protocolVersion, version);
    });

    it(`takes part in a Shared Subscription (${VERSION_NAMES[version]}, ${how})`, async (t) => {
      const { connected } = await startRig(t);
      const link = await connected(fields, version);
      await link.subscribe('$share/g/a', { qos: 1 });
      link.publish('a', 'one');
      assert.deepEqual(await textsOf(link), ['one']);
    });
  }
});

describe('a client that is no broker', () => {
  it('gets back what it published, also with a Will below the states of others', async (t) => {
    const { connected } = await startRig(t);
    const client = await connected({ clientId: 'a', willMessage: willOf({ topicName: 'state/a' }) }, 4);
    await client.subscribe('a', { qos: 1 });
    client.publish('a', 'own');
    assert.deepEqual(await textsOf(client), ['own']);
  });
});

describe('below $SYS a client', () => {
  for (const [version, fields] of [
    [3, LINK],
    [4, LINK],
    [4, { clientId: 'link' }],
    [5, { clientId: 'link' }],
  ] as readonly (readonly [ProtocolVersion, ConnectFields])[]) {
    const as = fields.isBroker === true ? 'as a broker' : 'as any client';
    it(`says, retained, whether it is connected: ${VERSION_NAMES[version]}, ${as}`, async (t) => {
      const { connected, subscribed } = await startRig(t);
      const watcher = await subscribed('$SYS/broker/connection/#');
      const willMessage = willOf({ topicName: OWN_STATE, payload: Buffer.from('0'), qos: 1, retain: true });
      const link = await connected({ ...fields, willMessage }, version);
      link.publish(OWN_STATE, '1', { qos: 1, retain: true });
      link.transport.breakOff();
      const states = publishesOf(await watcher.all());
      assert.deepEqual(
        states.map((publish) => [publish.topicName, textOf(publish), publish.retain]),
        [
          [OWN_STATE, '1', true],
          [OWN_STATE, '0', true],
        ],
      );
    });
  }

  it('says nothing else, and nothing of others', async (t) => {
    const { connected, open, broker } = await startRig(t);
    for (const topicName of ['$SYS/broker/connection/other/state', `${OWN_STATE}/x`, '$SYS/broker/uptime']) {
      const refused = await open().connect({ clientId: 'link', willMessage: willOf({ topicName }) });
      assert.equal(refused.reasonCode, ReasonCode.TOPIC_NAME_INVALID, topicName);
      const client = await connected({ clientId: 'link' });
      client.publish(topicName, '1', { qos: 1, retain: true });
      assert.equal((await client.expect('puback')).reasonCode, ReasonCode.NOT_AUTHORIZED, topicName);
    }
    assert.equal(broker.counts.retainedMessages, 0);
  });

  it('says it only where the rules let it', async (t) => {
    const denied = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const;
    const { connected, open } = await startRig(t, {
      hooks: [{ name: 'guard', authorizePublish: () => denied }],
    });
    const refused = await open().connect({ clientId: 'link', willMessage: willOf({ topicName: OWN_STATE }) });
    assert.equal(refused.reasonCode, ReasonCode.NOT_AUTHORIZED);
    const client = await connected({ clientId: 'link' });
    client.publish(OWN_STATE, '1', { qos: 1 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.NOT_AUTHORIZED);
  });
});
