import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findAnswerVersion, type ConnectPacket } from '../../../src/mqtt/codec/connect.ts';
import { encodePacket } from '../../../src/mqtt/codec/encode-packet.ts';
import { vectorBytes } from '../../vectors/vector.ts';
import { PacketWriter } from '../../../src/mqtt/codec/writer.ts';

const BARE: ConnectPacket = {
  type: 'connect',
  protocolVersion: 5,
  cleanStart: true,
  keepAlive: 60,
  properties: {},
  clientId: 'c',
  willMessage: undefined,
  userName: undefined,
  password: undefined,
};

describe('findAnswerVersion', () => {
  it('tells in the words of which version a CONNECT is answered, whatever follows its level', () => {
    for (const [notation, version] of [
      ["00 04 'MQTT' 05 ff", 5],
      ["00 04 'MQTT' 04", 4],
      ["00 06 'MQIsdp' 03 00", 3],
      ["00 06 'MQIsdp' 83", 3],
      ["00 04 'MQTT' 84", 4],
      ["00 06 'MQIsdp' 04 00", 4],
      ["00 06 'MQIsdp' 06 00", 5],
      ["00 04 'MQTT' 02 00", 4],
      ["00 04 'MQTT' 83 00", 4],
      ["00 04 'MQTT' 06 00", 5],
      ["00 04 'MQTT' 85 00", 5],
      ["00 04 'MQTT'", undefined],
      ["00 04 'mqtt' 05", undefined],
      ['00', undefined],
      ['', undefined],
    ] as const) {
      const bytes = vectorBytes(notation);
      assert.equal(findAnswerVersion(bytes, 0, bytes.length), version, notation);
    }
  });
});

describe('encodePacket of a CONNECT', () => {
  it('refuses what no decoder accepts', () => {
    const password = new Uint8Array(1);
    const willMessage = { topicName: 'w', payload: password, qos: 0, retain: false, properties: {} } as const;
    for (const packet of [
      { ...BARE, protocolVersion: 4, password },
      { ...BARE, keepAlive: 65_536 },
      { ...BARE, keepAlive: Number.NaN },
      { ...BARE, clientId: '\0' },
      { ...BARE, properties: { authenticationData: password } },
      { ...BARE, willMessage: { ...willMessage, qos: 3 as 2 } },
      { ...BARE, willMessage: { ...willMessage, payload: new Uint8Array(65_536) } },
    ] as const) {
      const writer = new PacketWriter();
      assert.throws(() => encodePacket(writer, packet, packet.protocolVersion), {
        code: 'MQTT_NOT_ENCODABLE',
      });
      assert.equal(writer.length, 0);
    }
  });

  it('leaves out the properties that earlier versions do not have', () => {
    const writer = new PacketWriter();
    encodePacket(writer, { ...BARE, protocolVersion: 4, properties: { receiveMaximum: 5 } }, 4);
    assert.equal(
      writer.bytes().toString('hex'),
      vectorBytes("10 # 00 04 'MQTT' 04 02 00 3c 00 01 'c'").toString('hex'),
    );
  });
});
