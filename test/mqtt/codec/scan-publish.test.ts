import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PublishFields, scanPublish } from '../../../src/mqtt/codec/scan-publish.ts';
import { vectorBytes } from '../../vectors/vector.ts';

function scan(notation: string, version: 3 | 4 | 5): { bytes: Buffer; fields: PublishFields } {
  const bytes = vectorBytes(notation);
  const fields = new PublishFields();
  scanPublish(bytes, 2, bytes.length, bytes[0]! & 0x0f, version, fields);
  return { bytes, fields };
}

describe('scanPublish', () => {
  it('finds topic, Packet Identifier, properties and payload', () => {
    const { bytes, fields } = scan("3d # 00 03 'a/b' 01 02 02 01 01 'hi'", 5);
    assert.deepEqual([fields.qos, fields.dup, fields.retain, fields.packetId], [2, true, true, 0x0102]);
    assert.equal(bytes.toString('latin1', fields.topicStart, fields.topicEnd), 'a/b');
    assert.equal(bytes.toString('hex', fields.propertiesStart, fields.propertiesEnd), '0101');
    assert.equal(bytes.toString('latin1', fields.payloadStart, fields.payloadEnd), 'hi');
  });

  it('finds what routing needs of the properties, and where it lies', () => {
    const { bytes, fields } = scan("30 # 00 00 0a 02 ff ff ff ff 23 01 02 0b 05 'x'", 5);
    assert.equal(fields.topicStart, fields.topicEnd);
    assert.equal(fields.messageExpiryInterval, 0xffff_ffff);
    assert.equal(bytes.readUInt32BE(fields.messageExpiryAt), 0xffff_ffff);
    assert.equal(fields.topicAlias, 0x0102);
    assert.equal(bytes[fields.topicAliasAt], 0x23);
    assert.equal(fields.hasSubscriptionIdentifier, true);
  });

  it('remembers nothing of the message before', () => {
    const fields = new PublishFields();
    const rich = vectorBytes("33 # 00 01 'a' 00 07 0c 01 01 02 00 00 00 01 23 00 01 0b 05");
    scanPublish(rich, 2, rich.length, 0b0011, 5, fields);
    const plain = vectorBytes("30 # 00 01 'a' 00 'x'");
    scanPublish(plain, 2, plain.length, 0, 5, fields);
    const fresh = new PublishFields();
    scanPublish(plain, 2, plain.length, 0, 5, fresh);
    assert.deepEqual(fields, fresh);
  });

  it('leaves the characters of the topic to who looks the topic up', () => {
    assert.doesNotThrow(() => scan("30 # 00 03 'a/#'", 4));
    assert.doesNotThrow(() => scan('30 # 00 01 ff 00', 5));
  });

  it('never takes bytes of the packet that follows in the chunk', () => {
    const whole =
      "32 # 00 03 'a/b' 00 07 18 01 01 02 00 00 00 3c 09 00 01 00 08 00 01 'r' 0b 81 01 26 00 01 'k' 00 00";
    for (const version of [4, 5] as const) {
      const bytes = vectorBytes(whole);
      const headEnd = version === 5 ? bytes.length : 2 + 5 + 2;
      for (let end = 2; end < headEnd; end++) {
        const scanShort = (): void => scanPublish(bytes, 2, end, 0b0010, version, new PublishFields());
        assert.throws(scanShort, { code: 'MQTT_MALFORMED_PACKET' }, `ends at ${end}`);
      }
      scanPublish(bytes, 2, headEnd, 0b0010, version, new PublishFields());
    }
    const plain = vectorBytes("30 # 00 03 'a/b'");
    const scanPlain = (): void => scanPublish(plain, 2, plain.length - 1, 0, 4, new PublishFields());
    assert.throws(scanPlain, { code: 'MQTT_MALFORMED_PACKET' });
  });

  it('takes a property of 128 bytes and more', () => {
    const bytes = Buffer.concat([
      Buffer.from('30d601000161cf010300cc', 'hex'),
      Buffer.alloc(204, 'x'),
      Buffer.from('p'),
    ]);
    const fields = new PublishFields();
    scanPublish(bytes, 3, bytes.length, 0, 5, fields);
    assert.equal(fields.propertiesEnd - fields.propertiesStart, 207);
    assert.equal(fields.payloadEnd - fields.payloadStart, 1);
  });
});
