import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PACKET_NAMES } from './control-packet.ts';
import { PROPERTIES, propertiesById, type Property, type PropertyHolder } from './property.ts';
import { readProperties } from './read-properties.ts';
import { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import { PacketWriter } from './writer.ts';

const ROWS: readonly Property[] = PROPERTIES;
const HOLDERS = [...PACKET_NAMES.filter((name) => name !== undefined), 'WILL'].filter(
  (name) => name !== 'PINGREQ' && name !== 'PINGRESP',
) as PropertyHolder[];

/** One value of each type as it is on the wire. */
const WIRE: Readonly<Record<Property['type'], string>> = {
  flag: '01',
  byte: '01',
  uint16: '0001',
  uint32: '00000001',
  variableByteInteger: '01',
  utf8String: '000161',
  topicName: '000161',
  binaryData: '000161',
  utf8StringPair: '000161000162',
};

function read(holder: PropertyHolder, properties: string): Record<string, unknown> {
  const bytes = Buffer.from(properties, 'hex');
  const whole = Buffer.concat([Buffer.of(bytes.length), bytes]);
  return { ...readProperties(new PacketReader().over(whole, 0, whole.length), holder) };
}

describe('the table of properties', () => {
  it('has the 27 identifiers of table 2-4', () => {
    const ids = new Set(ROWS.map(({ id }) => id));
    assert.equal(ids.size, 27);
    assert.equal(new Set(ROWS.map(({ name }) => name)).size, 28, 'Subscription Identifier has two names');
  });

  for (const holder of HOLDERS) {
    it(`2.2.2.2 ${holder} holds what belongs to it, and nothing else`, () => {
      for (let id = 0; id < 0x80; id++) {
        const row = propertiesById(holder)[id];
        const value = row ?? ROWS.find((other) => other.id === id);
        const bytes = id.toString(16).padStart(2, '0') + (value === undefined ? '' : WIRE[value.type]);
        if (row === undefined) {
          assert.throws(() => read(holder, bytes), { code: 'MQTT_MALFORMED_PACKET' }, bytes);
          continue;
        }
        assert.deepEqual(Object.keys(read(holder, bytes)), [row.name]);
        if (row.many === true) assert.equal((read(holder, bytes + bytes)[row.name] as unknown[]).length, 2);
        else assert.throws(() => read(holder, bytes + bytes), { code: 'MQTT_PROTOCOL_ERROR' }, row.title);
      }
    });
  }

  it('is kept by what is written', () => {
    const refused = (holder: PropertyHolder, properties: object, message: RegExp): void => {
      const writer = new PacketWriter();
      writer.beginPacket(0);
      assert.throws(() => writeProperties(writer, holder, properties), {
        code: 'MQTT_NOT_ENCODABLE',
        message,
      });
    };
    refused('CONNECT', { receiveMaximum: 0 }, /Receive Maximum must not be 0/);
    refused('CONNECT', { receiveMaximum: 65_536 }, /Receive Maximum/);
    refused('CONNECT', { maximumPacketSize: 0 }, /Maximum Packet Size/);
    refused('CONNECT', { sessionExpiryInterval: 2 ** 32 }, /Session Expiry Interval/);
    refused('CONNECT', { sessionExpiryInterval: -1 }, /Session Expiry Interval/);
    refused('CONNECT', { sessionExpiryInterval: 1.5 }, /Session Expiry Interval/);
    refused('CONNACK', { maximumQos: 2 }, /Maximum QoS/);
    refused('PUBLISH', { topicAlias: 0 }, /Topic Alias/);
    refused('PUBLISH', { payloadFormatIndicator: 2 }, /Payload Format Indicator/);
    refused('PUBLISH', { subscriptionIdentifiers: [1, 0] }, /Subscription Identifier/);
    refused('PUBLISH', { responseTopic: 'a/+' }, /Response Topic contains a wildcard/);
    refused('WILL', { responseTopic: '' }, /Response Topic is empty/);
    refused('PUBLISH', { userProperties: [['a', '\0']] }, /User Property/);
    refused('PUBLISH', { correlationData: new Uint8Array(65_536) }, /Correlation Data/);
  });

  it('leaves out what is undefined, empty, or not of the holder', () => {
    const writer = new PacketWriter();
    writer.beginPacket(0);
    writeProperties(writer, 'PUBACK', { reasonString: undefined, userProperties: [] });
    const stray: object = { topicAlias: 1 };
    writeProperties(writer, 'PUBACK', stray);
    writer.endPacket();
    assert.equal(writer.take().toString('hex'), '00020000');
  });
});
