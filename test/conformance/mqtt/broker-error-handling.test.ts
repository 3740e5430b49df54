import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Verdict } from '../../../src/mqtt/broker/hooks.ts';
import type { ProtocolVersion } from '../../../src/mqtt/codec/control-packet.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { Attendance, bytesOf, startRig, VERSION_NAMES, VERSIONS } from '../../helpers/mqtt-broker-rig.ts';

const PINGREQ = { type: 'pingreq' } as const;
const { MALFORMED_PACKET, PROTOCOL_ERROR, TOPIC_ALIAS_INVALID, TOPIC_NAME_INVALID } = ReasonCode;

/** What a client of MQTT 5.0 must not send once it is connected, and what it is told. */
const WRONG_5: readonly (readonly [what: string, hex: string, reasonCode: number])[] = [
  ['packet type 0', '00 00', PROTOCOL_ERROR],
  ['[MQTT-3.2.0-1] a CONNACK', '20 03 00 00 00', PROTOCOL_ERROR],
  ['a SUBACK', '90 04 0001 00 00', PROTOCOL_ERROR],
  ['an UNSUBACK', 'b0 04 0001 00 00', PROTOCOL_ERROR],
  ['a PINGRESP', 'd0 00', PROTOCOL_ERROR],
  ['[MQTT-3.3.1-4] a PUBLISH of QoS 3', '36 06 0001 74 0001 00', MALFORMED_PACKET],
  ['[MQTT-3.3.1-2] a PUBLISH of QoS 0 with DUP', '38 04 0001 74 00', MALFORMED_PACKET],
  ['[MQTT-2.2.1-3] a PUBLISH with Packet Identifier 0', '32 06 0001 74 0000 00', PROTOCOL_ERROR],
  ['[MQTT-3.3.2-2] a PUBLISH to +', '30 04 0001 2b 00', MALFORMED_PACKET],
  ['[MQTT-3.3.2-2] a PUBLISH to #', '30 04 0001 23 00', MALFORMED_PACKET],
  ['[MQTT-4.7.3-1] a PUBLISH to nothing', '30 03 0000 00', PROTOCOL_ERROR],
  ['[MQTT-1.5.4-1] a PUBLISH to what is not UTF-8', '30 04 0001 ff 00', MALFORMED_PACKET],
  ['[MQTT-1.5.4-2] a PUBLISH to U+0000', '30 04 0001 00 00', MALFORMED_PACKET],
  ['[MQTT-3.3.4-6] a PUBLISH with a Subscription Identifier', '30 06 0001 74 02 0b 01', PROTOCOL_ERROR],
  ['[MQTT-3.3.2-8] a PUBLISH with Topic Alias 0', '30 07 0001 74 03 23 0000', TOPIC_ALIAS_INVALID],
  ['[MQTT-3.3.2-9] a PUBLISH with Topic Alias 33 of 32', '30 07 0001 74 03 23 0021', TOPIC_ALIAS_INVALID],
  [
    'section 3.3.4: a PUBLISH with a Topic Alias that stands for nothing',
    '30 06 0000 03 23 0001',
    PROTOCOL_ERROR,
  ],
  [
    'section 3.3.2.3: a PUBLISH whose properties are longer than itself',
    '30 04 0001 74 09',
    MALFORMED_PACKET,
  ],
  ['section 3.3.2.3: a PUBLISH with a property twice', '30 08 0001 74 04 01 00 01 00', PROTOCOL_ERROR],
  [
    '[MQTT-3.3.2-14] a PUBLISH with a wildcard in its Response Topic',
    '30 08 0001 74 04 08 0001 2b',
    PROTOCOL_ERROR,
  ],
  ['section 3.4.2: a PUBACK with Packet Identifier 0', '40 02 0000', PROTOCOL_ERROR],
  ['[MQTT-3.4.2-1] a PUBACK with the Reason Code 0x01', '40 03 0001 01', PROTOCOL_ERROR],
  ['[MQTT-2.1.3-1] a PUBACK with flags', '41 02 0001', MALFORMED_PACKET],
  ['[MQTT-3.6.1-1] a PUBREL without its flags', '60 02 0001', MALFORMED_PACKET],
  ['[MQTT-3.8.1-1] a SUBSCRIBE without its flags', '80 07 0001 00 0001 74 00', MALFORMED_PACKET],
  ['[MQTT-4.7.3-1] a SUBSCRIBE to an empty filter', '82 06 0001 00 0000 00', MALFORMED_PACKET],
  [
    '[MQTT-4.7.3-1] an UNSUBSCRIBE from a filter, and from an empty one',
    'a2 08 0001 00 0001 74 0000',
    MALFORMED_PACKET,
  ],
  ['[MQTT-3.8.3-2] a SUBSCRIBE to nothing', '82 03 0001 00', PROTOCOL_ERROR],
  ['[MQTT-3.8.3-5] a SUBSCRIBE with reserved options', '82 07 0001 00 0001 74 40', MALFORMED_PACKET],
  ['section 3.8.3.1: a SUBSCRIBE with QoS 3', '82 07 0001 00 0001 74 03', PROTOCOL_ERROR],
  ['section 3.8.3.1: a SUBSCRIBE with Retain Handling 3', '82 07 0001 00 0001 74 30', PROTOCOL_ERROR],
  [
    '[MQTT-3.8.3-4] No Local on a Shared Subscription',
    '82 10 0001 00 000a 247368617265 2f782f74 04',
    PROTOCOL_ERROR,
  ],
  ['section 3.8.2.1.2: a Subscription Identifier 0', '82 09 0001 02 0b 00 0001 74 00', PROTOCOL_ERROR],
  ['[MQTT-2.2.1-3] a SUBSCRIBE with Packet Identifier 0', '82 07 0000 00 0001 74 00', PROTOCOL_ERROR],
  ['[MQTT-3.10.1-1] an UNSUBSCRIBE without its flags', 'a0 06 0001 00 0001 74', MALFORMED_PACKET],
  ['[MQTT-3.10.3-2] an UNSUBSCRIBE from nothing', 'a2 03 0001 00', PROTOCOL_ERROR],
  ['[MQTT-1.5.5-1] a Remaining Length with a byte too many', 'c0 80 00', MALFORMED_PACKET],
  ['section 1.5.5: a Remaining Length of five bytes', '30 ff ff ff ff 01', MALFORMED_PACKET],
  ['section 3.2.2.3.6: a packet of 256 megabytes', '30 ff ff ff 7f', ReasonCode.PACKET_TOO_LARGE],
];

/** What a client of MQTT 3.1.1 must not send. */
const WRONG_4: readonly (readonly [what: string, hex: string])[] = [
  ['[v3.1.1 MQTT-2.2.2-2] packet type 0', '00 00'],
  ['[v3.1.1 MQTT-2.2.2-2] packet type 15', 'f0 00'],
  ['[v3.1.1 MQTT-2.2.2-2] a PINGREQ with flags', 'c1 00'],
  ['[v3.1.1 MQTT-4.8.0-1] a CONNACK', '20 02 00 00'],
  ['[v3.1.1 MQTT-3.3.1-4] a PUBLISH of QoS 3', '36 05 0001 74 0001'],
  ['[v3.1.1 MQTT-3.3.1-2] a PUBLISH of QoS 0 with DUP', '38 03 0001 74'],
  ['[v3.1.1 MQTT-2.3.1-1] a PUBLISH with Packet Identifier 0', '32 05 0001 74 0000'],
  ['[v3.1.1 MQTT-3.3.2-2] a PUBLISH to #', '30 03 0001 23'],
  ['[v3.1.1 MQTT-4.7.3-1] a PUBLISH to nothing', '30 02 0000'],
  ['[v3.1.1 MQTT-1.5.3-1] a PUBLISH to what is not UTF-8', '30 03 0001 ff'],
  ['[v3.1.1 MQTT-3.6.1-1] a PUBREL without its flags', '60 02 0001'],
  ['[v3.1.1 MQTT-3.8.1-1] a SUBSCRIBE without its flags', '80 06 0001 0001 74 00'],
  ['[v3.1.1 MQTT-3.8.3-3] a SUBSCRIBE to nothing', '82 02 0001'],
  ['[v3.1.1 MQTT-3-8.3-4] a SUBSCRIBE with QoS 3', '82 06 0001 0001 74 03'],
  ['[v3.1.1 MQTT-3-8.3-4] a SUBSCRIBE with reserved bits', '82 06 0001 0001 74 04'],
  ['[v3.1.1 MQTT-3.10.1-1] an UNSUBSCRIBE without its flags', 'a0 05 0001 0001 74'],
  ['[v3.1.1 MQTT-3.10.3-2] an UNSUBSCRIBE from nothing', 'a2 02 0001'],
  ['section 2.2.3: a Remaining Length of five bytes', '30 ff ff ff ff 01'],
];

describe('what must not come', () => {
  for (const [what, hex, reasonCode] of WRONG_5) {
    it(`[MQTT-4.13.1-1] ${what} is answered with 0x${reasonCode.toString(16)}, and the end`, async (t) => {
      const attendance = new Attendance();
      const { connected, subscribed } = await startRig(t, { hooks: [attendance] });
      const watcher = await subscribed('#');
      const client = await connected({ clientId: 'a' });
      client.sendBytes(hex);
      const answer = await client.expect('disconnect');
      assert.equal(answer.reasonCode, reasonCode);
      assert.ok((answer.properties.reasonString ?? '') !== '');
      await client.expectClosed();
      await watcher.expectNothing();
      assert.deepEqual([attendance.left[0]?.clientId, attendance.left[0]?.cause.by], ['a', 'server']);
    });
  }

  for (const [what, hex] of WRONG_4) {
    it(`${what} ends a connection of MQTT 3.1.1 without a word`, async (t) => {
      const { connected, subscribed } = await startRig(t);
      const watcher = await subscribed('#');
      const client = await connected({}, 4);
      client.sendBytes(hex);
      assert.equal((await client.bytes()).length, 0);
      assert.ok(client.transport.isClosed);
      await watcher.expectNothing();
    });
  }

  it('[MQTT-4.13.1-1] is told byte by byte as it is at once', async (t) => {
    const { connected } = await startRig(t);
    for (const [what, hex, reasonCode] of WRONG_5) {
      const client = await connected();
      for (const byte of Buffer.from(hex.replaceAll(' ', ''), 'hex')) client.sendBytes([byte]);
      assert.equal((await client.expect('disconnect')).reasonCode, reasonCode, what);
      await client.expectClosed();
    }
  });

  it('maxTopicLevels: a Topic Name of more levels is answered with 0x90', async (t) => {
    const { connected } = await startRig(t, { maxTopicLevels: 3 });
    const client = await connected();
    client.publish('a/b/c', '', { qos: 1 });
    await client.expect('puback');
    client.publish('a/b/c/d');
    assert.equal((await client.expect('disconnect')).reasonCode, TOPIC_NAME_INVALID);
  });
});

describe('an error in a connection', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-4.13.1-1] what came before it is handled, and nothing after it (${VERSION_NAMES[version]})`, async (t) => {
      const { broker, connected } = await startRig(t);
      const client = await connected({}, version);
      const publish = {
        type: 'publish',
        dup: false,
        qos: 0,
        retain: true,
        packetId: 0,
        properties: {},
      } as const;
      const message = (topicName: string) =>
        bytesOf(version, { ...publish, topicName, payload: Buffer.from('x') });
      const wrong = Buffer.from('0000', 'hex');
      client.sendBytes(
        Buffer.concat([bytesOf(version, PINGREQ), message('before'), wrong, message('after')]),
      );
      const types = (await client.all()).map(({ type }) => type);
      assert.deepEqual(types, version === 5 ? ['pingresp', 'disconnect'] : ['pingresp']);
      assert.deepEqual([broker.stats.publishReceived, broker.counts.retainedMessages], [1, 1]);
      assert.equal(broker.stats.protocolErrors, 1);
    });

    it(`[MQTT-4.13.2-1] has no consequence for the others (${VERSION_NAMES[version]})`, async (t) => {
      const { connected, subscribed } = await startRig(t);
      const other = await subscribed('t');
      const client = await connected({}, version);
      client.sendBytes('00 00');
      assert.ok((await client.all()).length <= 1);
      other.publish('t', 'still there');
      await other.expect('publish');
    });

    it(`section 4.13.1: leaves a session that outlives its connection (${VERSION_NAMES[version]})`, async (t) => {
      const { open, connected } = await startRig(t);
      const fields = { clientId: 'a', cleanStart: false, properties: { sessionExpiryInterval: 60 } };
      const client = await connected(fields, version);
      await client.subscribe('t');
      client.sendBytes('00 00');
      const { sessionPresent } = await open(5).connect(fields);
      assert.equal(sessionPresent, true);
    });
  }

  for (const [what, decide] of [
    ['returns nothing', () => undefined as unknown as Verdict],
    ['resolves to nothing', () => Promise.resolve(undefined as unknown as Verdict)],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ] as const) {
    it(`section 4.13.2: of a subscribe hook that ${what} is a denial, and is counted`, async (t) => {
      const hooks = [{ name: 'broken', authorizeSubscribe: decide }];
      const { broker, connected } = await startRig(t, { hooks });
      const client = await connected();
      const { reasonCodes } = await client.subscribe('t');
      assert.deepEqual(reasonCodes, [ReasonCode.UNSPECIFIED_ERROR]);
      assert.deepEqual([broker.stats.hookFailures, broker.counts.subscriptions], [1, 0]);
    });
  }

  it('section 4.13.1: of a thousand clients that send anything at all no other suffers', async (t) => {
    const { broker, open, subscribed } = await startRig(t);
    const other = await subscribed('other');
    let seed = 42;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return (seed >> 8) % below;
    };
    for (let count = 0; count < 1000; count++) {
      const version = (3 + random(3)) as ProtocolVersion;
      const client = open(version);
      await client.connect();
      const body = Array.from({ length: random(40) }, () => random(random(2) === 0 ? 256 : 8));
      client.sendBytes([random(256), body.length, ...body]);
      client.transport.breakOff();
    }
    other.publish('other', 'well');
    await other.expect('publish');
    const { connections, sessions } = broker.counts;
    assert.deepEqual([connections, sessions], [1, 1]);
    assert.ok(broker.stats.protocolErrors > 100);
  });
});

describe('a client that is sent away', () => {
  for (const version of VERSIONS) {
    it(`is told of in the log, by what it did (${VERSION_NAMES[version]})`, async (t) => {
      const { connected, lines } = await startRig(t, { maximumPacketSize: 1000 });
      const client = await connected({ clientId: 'large' }, version);
      client.publish('t', 'x'.repeat(2000));
      if (version === 5) await client.expect('disconnect');
      await client.expectClosed();
      const told = lines.filter(({ text }) => text.startsWith('a client was sent away: Packet too large'));
      assert.deepEqual(
        told.map(({ fields }) => fields['clientId']),
        ['large'],
      );
    });
  }
});
