import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MqttError } from './errors.ts';
import { PacketReader } from './reader.ts';

function over(text: string): PacketReader {
  const bytes = Buffer.from(`6161${text.replaceAll(' ', '')}6161`, 'hex');
  return new PacketReader().over(bytes, 2, bytes.length - 2);
}

function isMalformed(error: unknown): boolean {
  return error instanceof MqttError && error.code === 'MQTT_MALFORMED_PACKET' && error.reasonCode === 0x81;
}

describe('PacketReader', () => {
  it('reads integers of the largest value as positive', () => {
    const reader = over('ff ffff ffffffff');
    assert.equal(reader.readByte('x'), 255);
    assert.equal(reader.readUint16('x'), 65_535);
    assert.equal(reader.readUint32('x'), 4_294_967_295);
    assert.equal(reader.remainingBytes, 0);
  });

  it('never reads past the end, though the buffer goes on', () => {
    assert.throws(() => over('').readByte('x'), isMalformed);
    assert.throws(() => over('00').readUint16('x'), isMalformed);
    assert.throws(() => over('000000').readUint32('x'), isMalformed);
    assert.throws(() => over('80').readVariableByteInteger('x'), isMalformed);
    assert.throws(() => over('0003 6161').readUtf8String('x'), isMalformed);
    assert.throws(() => over('0003 6161').readBinaryData('x'), isMalformed);
  });

  it('1.5.5 reads Variable Byte Integers at the edges of table 1-1', () => {
    for (const [text, value] of [
      ['00', 0],
      ['7f', 127],
      ['8001', 128],
      ['ff7f', 16_383],
      ['808001', 16_384],
      ['ffff7f', 2_097_151],
      ['80808001', 2_097_152],
      ['ffffff7f', 268_435_455],
    ] as const) {
      assert.equal(over(text).readVariableByteInteger('x'), value);
    }
    for (const text of ['8000', '818000', 'ff808000', '8080808001', 'ffffffff7f']) {
      assert.throws(() => over(text).readVariableByteInteger('x'), isMalformed, text);
    }
  });

  it('names what is cut short', () => {
    assert.throws(() => over('').readByte('Keep Alive'), /ends within Keep Alive/);
  });

  it('copies Binary Data and lends the rest', () => {
    const reader = over('0001 61 6263');
    const data = reader.readBinaryData('x');
    const rest = reader.readRest();
    reader.bytes.fill(0);
    assert.deepEqual(data, Uint8Array.of(0x61));
    assert.deepEqual([...rest], [0, 0]);
    reader.expectEnd('x');
  });

  it('refuses Packet Identifier 0 and bytes left over', () => {
    assert.throws(() => over('0000').readPacketId(), { code: 'MQTT_PROTOCOL_ERROR', reasonCode: 0x82 });
    assert.throws(() => over('00').expectEnd('PINGREQ'), isMalformed);
  });
});
