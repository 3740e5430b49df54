import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  lasting,
  startBroker,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';

const ALL = [3, 4, 5] as const;

describe('QoS 1 from a client (section 4.3.2)', () => {
  it('[MQTT-4.3.2-4] PUBACK has the identifier of the PUBLISH', async (t) => {
    const broker = await startBroker(t);
    for (const version of ALL) {
      const client = await connected(broker, version);
      for (const packetId of [1, 2, 255, 256, 32_768, 65_535]) {
        client.publish('a', 'x', { qos: 1, packetId });
        assert.equal((await client.expect('puback')).packetId, packetId);
      }
      await client.expectNothing();
    }
  });

  it('[MQTT-4.3.2-5] the same identifier after the PUBACK is a new message, DUP or not', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker);
    await subscriber.subscribe('a');
    for (const version of VERSIONS) {
      const client = await connected(broker, version);
      for (const dup of [false, false, true]) {
        client.publish('a', `${version}`, { qos: 1, packetId: 9, dup });
        assert.equal((await client.expect('puback')).packetId, 9);
      }
      assert.equal((await textsOf(subscriber)).length, 3);
    }
  });

  it('[MQTT-4.6.0-2] PUBACKs come in the order of the PUBLISHes', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const ids = [5, 3, 900, 1, 65_535, 2];
    for (const packetId of ids) client.publish('a', 'x', { qos: 1, packetId });
    const packets = await client.all();
    assert.deepEqual(
      packets.map((packet) => packet.type === 'puback' && packet.packetId),
      ids,
    );
  });

  it('[MQTT-2.2.1-3] identifier 0 ends the connection', async (t) => {
    const broker = await startBroker(t);
    for (const bytes of ['32 06 0001 61 0000 00', '34 06 0001 61 0000 00', '62 02 0000', '40 02 0000']) {
      const client = await connected(broker);
      client.sendBytes(bytes);
      const { reasonCode } = await client.expect('disconnect');
      assert.ok(
        reasonCode === ReasonCode.PROTOCOL_ERROR || reasonCode === ReasonCode.MALFORMED_PACKET,
        bytes,
      );
      await client.expectClosed();
    }
  });
});

describe('QoS 2 from a client (section 4.3.3)', () => {
  it('[MQTT-4.3.3-8] [MQTT-4.3.3-11] PUBREC and PUBCOMP have the identifier of the PUBLISH', async (t) => {
    const broker = await startBroker(t);
    for (const version of ALL) {
      const client = await connected(broker, version);
      for (const packetId of [1, 256, 65_535]) {
        client.publish('a', 'x', { qos: 2, packetId });
        assert.equal((await client.expect('pubrec')).packetId, packetId);
        acknowledge(client, 'pubrel', packetId);
        assert.equal((await client.expect('pubcomp')).packetId, packetId);
      }
    }
  });

  it('[MQTT-4.3.3-10] until PUBREL the same identifier is answered and delivered only once', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker);
    await subscriber.subscribe('a');
    for (const version of ALL) {
      const client = await connected(broker, version);
      client.publish('a', 'once', { qos: 2, packetId: 7 });
      client.publish('a', 'once', { qos: 2, packetId: 7, dup: true });
      client.publish('a', 'other', { qos: 2, packetId: 8 });
      client.publish('a', 'once', { qos: 2, packetId: 7 });
      const answers = (await client.all()).map((packet) => packet.type === 'pubrec' && packet.packetId);
      assert.deepEqual(answers, [7, 7, 8, 7]);
      assert.deepEqual(await textsOf(subscriber), ['once', 'other']);
    }
  });

  it('[MQTT-4.3.3-12] after PUBCOMP the same identifier is a new message', async (t) => {
    const broker = await startBroker(t);
    const [client, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('a');
    for (const text of ['one', 'two', 'three']) {
      client.publish('a', text, { qos: 2, packetId: 7, dup: text === 'three' });
      await client.expect('pubrec');
      acknowledge(client, 'pubrel', 7);
      await client.expect('pubcomp');
    }
    assert.deepEqual(await textsOf(subscriber), ['one', 'two', 'three']);
  });

  it('[MQTT-4.3.3-9] after a PUBREC that refuses the same identifier is a new message', async (t) => {
    const deny = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const;
    let isAllowed = false;
    const hooks = [{ name: 'gate', authorizePublish: () => (isAllowed ? ({ allow: true } as const) : deny) }];
    const broker = await startBroker(t, { hooks });
    const [client, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('a');
    client.publish('a', 'refused', { qos: 2, packetId: 7 });
    assert.equal((await client.expect('pubrec')).reasonCode, ReasonCode.NOT_AUTHORIZED);
    isAllowed = true;
    client.publish('a', 'taken', { qos: 2, packetId: 7 });
    assert.equal((await client.expect('pubrec')).reasonCode, ReasonCode.SUCCESS);
    assert.deepEqual(await textsOf(subscriber), ['taken']);
  });

  it('a message is delivered when its PUBLISH comes, without waiting for PUBREL', async (t) => {
    const broker = await startBroker(t);
    const [client, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('a');
    client.publish('a', 'x', { qos: 2 });
    assert.deepEqual(await textsOf(subscriber), ['x']);
  });

  it('PUBREL with an unknown identifier is answered with 0x92; earlier clients get a bare PUBCOMP', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    acknowledge(client, 'pubrel', 77);
    assert.deepEqual(await client.bytes(), Buffer.from([0x70, 3, 0, 77, 0x92]));
    const earlier = await connected(broker, 4);
    acknowledge(earlier, 'pubrel', 77);
    assert.deepEqual(await earlier.bytes(), Buffer.from([0x70, 2, 0, 77]));
  });

  it('PUBREL with 0x92 ends the exchange like any other', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    client.publish('a', 'x', { qos: 2, packetId: 5 });
    await client.expect('pubrec');
    acknowledge(client, 'pubrel', 5, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
    assert.equal((await client.expect('pubcomp')).reasonCode, ReasonCode.SUCCESS);
    acknowledge(client, 'pubrel', 5);
    assert.equal((await client.expect('pubcomp')).reasonCode, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
  });

  it('[MQTT-4.6.0-3] PUBRECs come in the order of the PUBLISHes', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const ids = [5, 3, 900, 1, 65_535, 2];
    for (const packetId of ids) client.publish('a', 'x', { qos: 2, packetId });
    const answers = (await client.all()).map((packet) => packet.type === 'pubrec' && packet.packetId);
    assert.deepEqual(answers, ids);
  });

  it('[MQTT-4.4.0-1] what was received and not released is known when the client comes back', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker);
    await subscriber.subscribe('a');
    for (const version of ALL) {
      const client = await connected(broker, version, lasting(`s${version}`, version));
      client.publish('a', 'x', { qos: 2, packetId: 7 });
      await client.expect('pubrec');
      client.transport.breakOff();
      const back = await connected(broker, version, lasting(`s${version}`, version));
      back.publish('a', 'x', { qos: 2, packetId: 7, dup: true });
      assert.equal((await back.expect('pubrec')).packetId, 7);
      acknowledge(back, 'pubrel', 7);
      await back.expect('pubcomp');
      assert.deepEqual(await textsOf(subscriber), ['x']);
    }
  });

  it('a client that comes back without its session has nothing to release', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker);
    await subscriber.subscribe('a');
    const client = await connected(broker, 5, lasting('s'));
    client.publish('a', 'x', { qos: 2, packetId: 7 });
    await client.expect('pubrec');
    client.transport.breakOff();
    const back = await connected(broker, 5, { clientId: 's', cleanStart: true });
    back.publish('a', 'y', { qos: 2, packetId: 7, dup: true });
    await back.expect('pubrec');
    assert.deepEqual(await textsOf(subscriber), ['x', 'y']);
  });

  it('identifiers of the client and of the server are apart', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2, packetId: 1 });
    client.publish('a', 'own', { qos: 2, packetId: 1 });
    const [pubrec, publish] = [await client.expect('pubrec'), await client.expect('publish')];
    assert.deepEqual([publish.packetId, pubrec.packetId], [1, 1]);
    acknowledge(client, 'pubrel', 1);
    await client.expect('pubcomp');
    acknowledge(client, 'pubrec', 1);
    await client.expect('pubrel');
    acknowledge(client, 'pubcomp', 1);
    await client.expectNothing();
  });

  it('[MQTT-3.6.1-1] PUBREL without the flags 0010 ends the connection', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    client.sendBytes('60 02 0001');
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.MALFORMED_PACKET);
    await client.expectClosed();
    const earlier = await connected(broker, 4);
    earlier.sendBytes('60 02 0001');
    await earlier.expectClosed();
  });
});
