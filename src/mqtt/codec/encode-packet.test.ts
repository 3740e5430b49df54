import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeAcknowledgement } from './acknowledgement.ts';
import { connectReturnCode } from './connack.ts';
import { PacketType } from './control-packet.ts';
import type { ControlPacket } from './decode-packet.ts';
import { encodePacket } from './encode-packet.ts';
import { MQTT_ERRORS, MqttError } from './errors.ts';
import { PacketWriter } from './writer.ts';

const PUBLISH = {
  type: 'publish',
  dup: false,
  qos: 0,
  retain: false,
  topicName: 'a',
  packetId: 0,
  properties: {},
  payload: new Uint8Array(),
} as const;
const OPTIONS = {
  topicFilter: 'a',
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
} as const;
const NUMBERED = { packetId: 1, properties: {} } as const;

/** What must never leave, in the version in which it is met. */
const REFUSED: readonly (readonly [why: string, packet: ControlPacket, version: 4 | 5])[] = [
  ['[MQTT-3.3.1-4] QoS 3', { ...PUBLISH, qos: 3 as 2, packetId: 1 }, 5],
  ['[MQTT-3.3.1-2] DUP at QoS 0', { ...PUBLISH, dup: true }, 5],
  ['[MQTT-3.3.2-2] a wildcard', { ...PUBLISH, topicName: 'a/#' }, 5],
  ['3.3.2.1 no Topic Name', { ...PUBLISH, topicName: '' }, 5],
  ['3.3.2.1 an alias before 5.0', { ...PUBLISH, topicName: '', properties: { topicAlias: 1 } }, 4],
  ['[MQTT-2.2.1-3] Packet Identifier 0', { ...PUBLISH, qos: 1 }, 5],
  ['[MQTT-2.2.1-3] Packet Identifier 65536', { ...PUBLISH, qos: 1, packetId: 65_536 }, 5],
  ['[MQTT-1.5.4-2] U+0000', { ...PUBLISH, topicName: 'a\0' }, 5],
  ['[MQTT-2.2.1-5] Packet Identifier 0', { type: 'puback', packetId: 0, reasonCode: 0, properties: {} }, 5],
  [
    '[MQTT-3.4.2-1] a code of another packet',
    { type: 'puback', packetId: 1, reasonCode: 0x92, properties: {} },
    5,
  ],
  [
    '[MQTT-3.6.2-1] a code of another packet, with properties',
    { type: 'pubrel', packetId: 1, reasonCode: 0x10, properties: { reasonString: '' } },
    5,
  ],
  ['[MQTT-3.8.3-2] no Topic Filter', { type: 'subscribe', ...NUMBERED, subscriptions: [] }, 5],
  ['3.8.3.1 QoS 3', { type: 'subscribe', ...NUMBERED, subscriptions: [{ ...OPTIONS, qos: 3 as 2 }] }, 5],
  [
    '3.8.3.1 Retain Handling 3',
    { type: 'subscribe', ...NUMBERED, subscriptions: [{ ...OPTIONS, retainHandling: 3 as 2 }] },
    5,
  ],
  ['[MQTT-3.9.3-2] no Reason Code', { type: 'suback', ...NUMBERED, reasonCodes: [] }, 4],
  ['[MQTT-3.9.3-2] a code of another packet', { type: 'suback', ...NUMBERED, reasonCodes: [0x11] }, 5],
  ['[MQTT-3.10.3-2] no Topic Filter', { type: 'unsubscribe', ...NUMBERED, topicFilters: [] }, 5],
  ['[MQTT-3.11.3-2] no Reason Code', { type: 'unsuback', ...NUMBERED, reasonCodes: [] }, 5],
  ['[MQTT-3.11.3-2] a code of another packet', { type: 'unsuback', ...NUMBERED, reasonCodes: [0x01] }, 5],
  ['[MQTT-3.14.2-1] a code of another packet', { type: 'disconnect', reasonCode: 0x84, properties: {} }, 5],
  ['[MQTT-3.15.2-1] a code of another packet', { type: 'auth', reasonCode: 0x04, properties: {} }, 5],
  ['3.15.2.2.2 no Authentication Method', { type: 'auth', reasonCode: 0x18, properties: {} }, 5],
  ['there is no AUTH before 5.0', { type: 'auth', reasonCode: 0x00, properties: {} }, 4],
  [
    '[MQTT-3.2.2-6] refused with a session',
    { type: 'connack', sessionPresent: true, reasonCode: 0x80, properties: {} },
    5,
  ],
  [
    '[MQTT-3.2.2-8] a code of another packet',
    { type: 'connack', sessionPresent: false, reasonCode: 0x8e, properties: {} },
    5,
  ],
];

function encoded(packet: ControlPacket, version: 3 | 4 | 5): string {
  const writer = new PacketWriter();
  encodePacket(writer, packet, version);
  return writer.bytes().toString('hex');
}

describe('encodePacket', () => {
  for (const [why, packet, version] of REFUSED) {
    it(`refuses ${packet.type}: ${why}`, () => {
      const writer = new PacketWriter();
      encodePacket(writer, { type: 'pingreq' }, version);
      assert.throws(() => encodePacket(writer, packet, version), {
        code: 'MQTT_NOT_ENCODABLE',
        reasonCode: 0x83,
      });
      encodePacket(writer, { type: 'pingresp' }, version);
      assert.equal(writer.bytes().toString('hex'), 'c000d000', 'the others are whole');
    });
  }

  it('tells earlier versions of a failure in their words', () => {
    const suback = { type: 'suback', ...NUMBERED, reasonCodes: [0x01, 0x87] } as const;
    assert.equal(encoded(suback, 5), '90050001000187');
    assert.equal(encoded(suback, 4), '900400010180');
    assert.equal(encoded(suback, 3), '900400010100', 'MQTT 3.1 has no word for it');
    const banned = { type: 'connack', sessionPresent: false, reasonCode: 0x8a, properties: {} } as const;
    assert.equal(encoded(banned, 4), '20020005');
    assert.equal(connectReturnCode(0x89), 3);
    assert.equal(connectReturnCode(0x84), 1);
    assert.equal(connectReturnCode(0x80), 3);
    assert.equal(connectReturnCode(0x9b), 5);
  });

  it('leaves out of earlier versions what they do not have', () => {
    const puback = {
      type: 'puback',
      packetId: 1,
      reasonCode: 0x10,
      properties: { reasonString: 'x' },
    } as const;
    assert.equal(encoded(puback, 4), '40020001');
    const subscriptions = [{ ...OPTIONS, qos: 1, noLocal: true, retainHandling: 2 }] as const;
    assert.equal(encoded({ type: 'subscribe', ...NUMBERED, subscriptions }, 4), '8206000100016101');
    assert.equal(encoded({ ...PUBLISH, properties: { contentType: 't' } }, 4), '3003000161');
    assert.equal(
      encoded({ type: 'connack', sessionPresent: true, reasonCode: 0, properties: {} }, 3),
      '20020000',
    );
    assert.equal(encoded({ type: 'disconnect', reasonCode: 0x04, properties: {} }, 4), 'e000');
    assert.equal(encoded({ type: 'unsuback', ...NUMBERED, reasonCodes: [0x11] }, 4), 'b0020001');
  });

  it('writes short acknowledgements without an object', () => {
    const writer = new PacketWriter();
    writeAcknowledgement(writer, PacketType.PUBREL, 0x0102, 0, 5);
    writeAcknowledgement(writer, PacketType.PUBREC, 0x0102, 0x97, 5);
    writeAcknowledgement(writer, PacketType.PUBREC, 0x0102, 0x97, 4);
    assert.equal(writer.bytes().toString('hex'), '62020102500301029750020102');
  });
});

describe('MqttError', () => {
  it('has the Reason Code of its code', () => {
    for (const [code, reasonCode] of Object.entries(MQTT_ERRORS)) {
      const error = new MqttError(code as keyof typeof MQTT_ERRORS, 'why');
      assert.deepEqual(
        [error.name, error.code, error.reasonCode, error.message],
        ['MqttError', code, reasonCode, 'why'],
      );
      assert.ok(error instanceof Error);
    }
  });
});
