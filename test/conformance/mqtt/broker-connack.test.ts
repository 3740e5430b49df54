import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectVerdict } from '../../../src/mqtt/broker/hooks.ts';
import type { BrokerOptions } from '../../../src/mqtt/broker/options.ts';
import type { ConnackProperties } from '../../../src/mqtt/codec/connack.ts';
import type { ConnectProperties } from '../../../src/mqtt/codec/connect.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { startRig, VERSION_NAMES, type ConnectFields } from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, WireClient, subscribePacket } from '../../helpers/mqtt-wire-client.ts';

/** The properties of every CONNACK of a broker that was told nothing. */
const DEFAULTS: ConnackProperties = {
  receiveMaximum: 1024,
  maximumPacketSize: 10 * 1024 * 1024,
  topicAliasMaximum: 32,
};

describe('the bytes of a CONNACK', () => {
  it('[MQTT-3.2.2-1] [MQTT-3.2.0-1] are flags, Reason Code and properties', async (t) => {
    const { open } = await startRig(t, {
      receiveMaximum: 65_535,
      topicAliasMaximum: 0,
      maximumPacketSize: 1000,
    });
    const client = open();
    client.send(connectPacket(5));
    assert.equal((await client.bytes()).toString('hex'), '20080000 05 27000003e8'.replaceAll(' ', ''));
  });

  for (const version of [3, 4] as const) {
    it(`[v3.1.1 MQTT-3.2.0-1] have no properties in ${VERSION_NAMES[version]}`, async (t) => {
      const { open } = await startRig(t, {
        serverKeepAlive: 10,
        maximumQos: 0,
        responseInformation: 'here',
      });
      const client = open(version);
      client.send(connectPacket(version));
      assert.equal((await client.bytes()).toString('hex'), '20020000');
    });
  }
});

describe('Session Present', () => {
  const FOR_A_MINUTE = { sessionExpiryInterval: 60 };

  it('[MQTT-3.2.2-2] is 0 with Clean Start, whether there was a session or not', async (t) => {
    const { open } = await startRig(t);
    for (let count = 0; count < 2; count++) {
      const client = open();
      const connack = await client.connect({ clientId: 'a', cleanStart: true, properties: FOR_A_MINUTE });
      assert.deepEqual([connack.sessionPresent, connack.reasonCode], [false, ReasonCode.SUCCESS]);
      client.transport.breakOff();
    }
  });

  it('[MQTT-3.2.2-3] is 1 without Clean Start where there is a session, and otherwise 0', async (t) => {
    const { open } = await startRig(t);
    const present: boolean[] = [];
    for (let count = 0; count < 3; count++) {
      const client = open();
      const connack = await client.connect({ clientId: 'a', cleanStart: false, properties: FOR_A_MINUTE });
      assert.equal(connack.reasonCode, ReasonCode.SUCCESS);
      present.push(connack.sessionPresent);
      client.disconnect();
      await client.expectClosed();
    }
    assert.deepEqual(present, [false, true, true]);
  });

  it('[MQTT-3.2.2-6] is 0 in a refusal, also where there is a session, which stays', async (t) => {
    const verdicts: ConnectVerdict[] = [{ allow: true }];
    const { open } = await startRig(t, { hooks: [{ name: 'guard', authenticate: () => verdicts[0]! }] });
    const fields = { clientId: 'a', cleanStart: false, properties: FOR_A_MINUTE };
    const first = open();
    await first.connect(fields);
    first.transport.breakOff();
    verdicts[0] = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED };
    const refused = open();
    const { sessionPresent, reasonCode } = await refused.connect(fields);
    assert.deepEqual([sessionPresent, reasonCode], [false, ReasonCode.NOT_AUTHORIZED]);
    await refused.expectClosed();
    verdicts[0] = { allow: true };
    assert.equal((await open().connect(fields)).sessionPresent, true);
  });
});

describe('the properties of a CONNACK', () => {
  const cases: readonly [what: string, BrokerOptions, ConnectFields, Partial<ConnackProperties>][] = [
    ['are only what a client could not know', {}, {}, {}],
    [
      'section 3.2.2.3.2: Session Expiry Interval where it is capped',
      { maximumSessionExpiryInterval: 100 },
      { properties: { sessionExpiryInterval: 101 } },
      { sessionExpiryInterval: 100 },
    ],
    [
      'section 3.2.2.3.2: Session Expiry Interval where it is capped to 0',
      { maximumSessionExpiryInterval: 0 },
      { properties: { sessionExpiryInterval: 0xffff_ffff } },
      { sessionExpiryInterval: 0 },
    ],
    [
      'section 3.2.2.3.2: no Session Expiry Interval where the client has what it asked for',
      { maximumSessionExpiryInterval: 100 },
      { properties: { sessionExpiryInterval: 100 } },
      {},
    ],
    ['section 3.2.2.3.3: Receive Maximum', { receiveMaximum: 3 }, {}, { receiveMaximum: 3 }],
    [
      'section 3.2.2.3.3: no Receive Maximum where it is 65535',
      { receiveMaximum: 65_535 },
      {},
      { receiveMaximum: undefined },
    ],
    ['[MQTT-3.2.2-9] Maximum QoS 0', { maximumQos: 0 }, {}, { maximumQos: 0 }],
    ['[MQTT-3.2.2-9] Maximum QoS 1', { maximumQos: 1 }, {}, { maximumQos: 1 }],
    ['section 3.2.2.3.4: no Maximum QoS where it is 2', { maximumQos: 2 }, {}, {}],
    ['section 3.2.2.3.5: Retain Available 0', { retainAvailable: false }, {}, { retainAvailable: false }],
    ['section 3.2.2.3.6: Maximum Packet Size', { maximumPacketSize: 999 }, {}, { maximumPacketSize: 999 }],
    ['section 3.2.2.3.8: Topic Alias Maximum', { topicAliasMaximum: 7 }, {}, { topicAliasMaximum: 7 }],
    [
      'section 3.2.2.3.8: no Topic Alias Maximum where it is 0',
      { topicAliasMaximum: 0 },
      {},
      { topicAliasMaximum: undefined },
    ],
    [
      'section 3.2.2.3.11: Wildcard Subscription Available 0',
      { wildcardSubscriptionAvailable: false },
      {},
      { wildcardSubscriptionAvailable: false },
    ],
    [
      'section 3.2.2.3.12: Subscription Identifiers Available 0',
      { subscriptionIdentifierAvailable: false },
      {},
      { subscriptionIdentifierAvailable: false },
    ],
    [
      'section 3.2.2.3.13: Shared Subscription Available 0',
      { sharedSubscriptionAvailable: false },
      {},
      { sharedSubscriptionAvailable: false },
    ],
    [
      '[MQTT-3.2.2-21] Server Keep Alive where the client asks for more',
      { serverKeepAlive: 60 },
      { keepAlive: 61 },
      { serverKeepAlive: 60 },
    ],
    [
      '[MQTT-3.2.2-21] Server Keep Alive where the client asks for none',
      { serverKeepAlive: 60 },
      { keepAlive: 0 },
      { serverKeepAlive: 60 },
    ],
    [
      '[MQTT-3.2.2-22] no Server Keep Alive where the client asks for less',
      { serverKeepAlive: 60 },
      { keepAlive: 60 },
      {},
    ],
    [
      '[MQTT-3.2.2-22] no Server Keep Alive where the server has none',
      { serverKeepAlive: 0 },
      { keepAlive: 65_535 },
      {},
    ],
    [
      '[MQTT-3.1.2-28] Response Information for who asks for it',
      { responseInformation: 'a/b' },
      { properties: { requestResponseInformation: true } },
      { responseInformation: 'a/b' },
    ],
    [
      '[MQTT-3.1.2-28] no Response Information for who asks for none',
      { responseInformation: 'a/b' },
      { properties: { requestResponseInformation: false } },
      {},
    ],
    ['[MQTT-3.1.2-28] no Response Information for who does not ask', { responseInformation: 'a/b' }, {}, {}],
    [
      'section 3.2.2.3.15: no Response Information where there is none',
      {},
      { properties: { requestResponseInformation: true } },
      {},
    ],
    ['[MQTT-3.2.2-16] no Assigned Client Identifier for who has one', {}, { clientId: 'own' }, {}],
    [
      '[MQTT-4.12.0-6] no Authentication Method for who gave none',
      {},
      { userName: 'u', password: Buffer.from('p') },
      {},
    ],
  ];
  for (const [what, options, fields, expected] of cases) {
    it(what, async (t) => {
      const { open } = await startRig(t, options);
      const { properties } = await open().connect(fields);
      const all: Record<string, unknown> = { ...DEFAULTS, ...expected };
      for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
      assert.deepEqual({ ...properties }, all);
    });
  }

  it('are those of the listener that the client came through', async (t) => {
    const { broker } = await startRig(t, { receiveMaximum: 5, maximumQos: 1 });
    const client = new WireClient(broker.acceptor({ name: 'side', receiveMaximum: 6 }));
    const { properties } = await client.connect();
    assert.deepEqual([properties.receiveMaximum, properties.maximumQos], [6, 1]);
  });
});

describe('what the CONNACK promises', () => {
  it('[MQTT-3.2.2-11] a PUBLISH above Maximum QoS is answered with 0x9B', async (t) => {
    const { connected } = await startRig(t, { maximumQos: 1 });
    const client = await connected();
    client.publish('t', '', { qos: 1 });
    await client.expect('puback');
    client.publish('t', '', { qos: 2 });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.QOS_NOT_SUPPORTED);
    await client.expectClosed();
  });

  it('[MQTT-3.2.2-10] a SUBSCRIBE of any QoS is accepted, and granted what there is', async (t) => {
    const { connected } = await startRig(t, { maximumQos: 0 });
    const client = await connected();
    for (const qos of [0, 1, 2] as const) {
      assert.deepEqual((await client.subscribe('t', { qos })).reasonCodes, [ReasonCode.GRANTED_QOS_0]);
    }
  });

  it('[MQTT-3.2.2-14] a PUBLISH to be retained is answered with 0x9A', async (t) => {
    const { broker, connected } = await startRig(t, { retainAvailable: false });
    const client = await connected();
    client.publish('t', 'x', { retain: true });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.RETAIN_NOT_SUPPORTED);
    await client.expectClosed();
    assert.equal(broker.counts.retainedMessages, 0);
  });

  it('[MQTT-3.2.2-15] a packet above Maximum Packet Size is answered with 0x95', async (t) => {
    const { broker, connected } = await startRig(t, { maximumPacketSize: 64 });
    const client = await connected();
    client.publish('t', 'x'.repeat(64 - 6));
    await client.expectNothing();
    assert.equal(broker.stats.publishReceived, 1);
    client.publish('t', 'x'.repeat(64 - 5));
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
    await client.expectClosed();
    assert.equal(broker.stats.publishReceived, 1);
  });

  it('[MQTT-3.2.2-15] as soon as its length is known', async (t) => {
    const { connected } = await startRig(t, { maximumPacketSize: 64 });
    const client = await connected();
    client.sendBytes('30 3f');
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
  });

  it('[MQTT-3.3.4-9] QoS 2 messages beyond Receive Maximum are answered with 0x93', async (t) => {
    const { connected } = await startRig(t, { receiveMaximum: 2 });
    const client = await connected();
    for (const packetId of [1, 2]) {
      client.publish('t', '', { qos: 2, packetId });
      await client.expect('pubrec');
    }
    client.publish('t', '', { qos: 2, packetId: 3 });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.RECEIVE_MAXIMUM_EXCEEDED);
    await client.expectClosed();
  });
});

describe("the client's Maximum Packet Size", () => {
  const limitedTo = (maximumPacketSize: number): ConnectProperties => ({ maximumPacketSize });

  it('[MQTT-3.2.2-19] leaves out a Reason String that would make a CONNACK too large', async (t) => {
    const reasonString = 'because '.repeat(10);
    const verdict = { allow: false, reasonCode: ReasonCode.BANNED, reasonString } as const;
    const { open } = await startRig(t, { hooks: [{ name: 'guard', authenticate: () => verdict }] });
    const whole = 2 + 2 + 1 + 3 + reasonString.length;
    for (const [size, expected] of [
      [whole, reasonString],
      [whole - 1, undefined],
      [5, undefined],
    ] as const) {
      const client = open();
      const { reasonCode, properties } = await client.connect({ properties: limitedTo(size) });
      assert.deepEqual([reasonCode, properties.reasonString], [ReasonCode.BANNED, expected]);
      await client.expectClosed();
    }
  });

  it('[MQTT-3.1.2-24] a CONNACK that does not fit at all is not sent, and the connection ends', async (t) => {
    const verdict = { allow: false, reasonCode: ReasonCode.BANNED } as const;
    const { open } = await startRig(t, { hooks: [{ name: 'guard', authenticate: () => verdict }] });
    const client = open();
    client.send(connectPacket(5, { properties: limitedTo(4) }));
    assert.equal((await client.bytes()).length, 0);
    assert.ok(client.transport.isClosed);
  });

  it('[MQTT-3.1.2-24] a client that could not be told what holds is refused with 0x95', async (t) => {
    const { broker, open } = await startRig(t);
    const first = open();
    await first.connect({ clientId: 'a', properties: { sessionExpiryInterval: 60 } });
    first.transport.breakOff();
    const bytes = 2 + 2 + 1 + 3 + 5 + 3;
    const refused = open();
    const fields = { clientId: 'a', cleanStart: false };
    const connack = await refused.connect({ ...fields, properties: limitedTo(bytes - 1) });
    assert.equal(connack.reasonCode, ReasonCode.PACKET_TOO_LARGE);
    await refused.expectClosed();
    assert.equal(broker.counts.sessions, 1);
    const allowed = await open().connect({ ...fields, properties: limitedTo(bytes) });
    assert.deepEqual([allowed.reasonCode, allowed.sessionPresent], [ReasonCode.SUCCESS, true]);
  });

  it('[MQTT-3.1.2-24] nor one that could not be told its Client Identifier', async (t) => {
    const { broker, open } = await startRig(t);
    const refused = open();
    const { reasonCode } = await refused.connect({ clientId: '', properties: limitedTo(30) });
    assert.equal(reasonCode, ReasonCode.PACKET_TOO_LARGE);
    await refused.expectClosed();
    assert.equal(broker.counts.sessions, 0);
  });

  it('[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message that is larger is as good as sent', async (t) => {
    const { broker, open, connected } = await startRig(t);
    const client = open();
    await client.connect({ properties: { ...limitedTo(40), receiveMaximum: 1 } });
    await client.subscribe('t', { qos: 2 });
    const publisher = await connected();
    for (const qos of [0, 1, 2] as const) publisher.publish('t', 'x'.repeat(40), { qos, packetId: qos });
    await client.expectNothing();
    assert.equal(broker.stats.dropped['packet-too-large'], 3);
    publisher.publish('t', 'y', { qos: 1, packetId: 9 });
    assert.equal(Buffer.from((await client.expect('publish')).payload).toString(), 'y');
  });

  it('[MQTT-3.1.2-25] a message that waited and is larger is as good as sent', async (t) => {
    const { broker, open, connected } = await startRig(t);
    const fields = { clientId: 'a', cleanStart: false };
    const first = open();
    await first.connect({ ...fields, properties: { sessionExpiryInterval: 60 } });
    await first.subscribe('t', { qos: 1 });
    first.transport.breakOff();
    const publisher = await connected();
    for (const payload of ['x'.repeat(40), 'y', 'z'.repeat(40)]) {
      publisher.publish('t', payload, { qos: 1 });
      await publisher.expect('puback');
    }
    const second = open();
    await second.connect({ ...fields, properties: { ...limitedTo(40), receiveMaximum: 1 } });
    const message = await second.expect('publish');
    assert.equal(Buffer.from(message.payload).toString(), 'y');
    second.send({ type: 'puback', packetId: message.packetId, reasonCode: 0, properties: {} });
    await second.expectNothing();
    assert.equal(broker.stats.dropped['packet-too-large'], 2);
    assert.equal(Array.from(broker.sessions())[0]?.queuedCount, 0);
  });
});

describe('Request Problem Information 0', () => {
  it('[MQTT-3.1.2-29] no Reason String is in anything but CONNACK, PUBLISH and DISCONNECT', async (t) => {
    const denial = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reasonString: 'because' } as const;
    const hooks = [{ name: 'guard', authorizePublish: () => denial, authorizeSubscribe: () => denial }];
    const { open } = await startRig(t, { hooks });
    const client = open();
    await client.connect({ properties: { requestProblemInformation: false } });
    client.publish('t', '', { qos: 1 });
    client.publish('t', '', { qos: 2, packetId: 2 });
    client.send({ type: 'pubrel', packetId: 77, reasonCode: 0, properties: {} });
    client.send({ type: 'unsubscribe', packetId: 3, properties: {}, topicFilters: ['t'] });
    client.send(subscribePacket(['t'], { packetId: 4 }));
    const answers = await client.all();
    assert.deepEqual(
      answers.map((packet) => [packet.type, 'properties' in packet && packet.properties.userProperties]),
      ['puback', 'pubrec', 'pubcomp', 'unsuback', 'suback'].map((type) => [type, undefined]),
    );
    assert.ok(!JSON.stringify(answers).includes('reasonString'));
  });
});
