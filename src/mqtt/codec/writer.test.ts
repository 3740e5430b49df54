import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PacketWriter } from './writer.ts';

function written(write: (writer: PacketWriter) => void): string {
  const writer = new PacketWriter(4);
  writer.beginPacket(0x30);
  write(writer);
  writer.endPacket();
  return writer.bytes().toString('hex');
}

describe('PacketWriter', () => {
  it('writes integers', () => {
    const bytes = written((writer) => {
      writer.writeByte(0xff);
      writer.writeUint16(0xfffe);
      writer.writeUint32(0xfffffffd);
      writer.writeVariableByteInteger(268_435_455);
      writer.writeVariableByteInteger(128);
    });
    assert.equal(bytes, '300dfffffefffffffdffffff7f8001');
  });

  it('makes room for a Remaining Length and a Property Length of any size', () => {
    for (const [bytes, length] of [
      [127, '7f'],
      [128, '8001'],
      [16_383, 'ff7f'],
      [16_384, '808001'],
      [2_097_152, '80808001'],
    ] as const) {
      const packet = written((writer) => writer.writeSlice(Buffer.alloc(bytes, 'x'), 0, bytes));
      assert.equal(packet.slice(0, 2 + length.length), `30${length}`);
      assert.equal(packet.length, 2 + length.length + 2 * bytes);
      assert.ok(packet.endsWith('7878'));
    }
    const nested = written((writer) => {
      const part = writer.beginPart();
      writer.writeSlice(Buffer.alloc(200, 'x'), 0, 200);
      writer.endPart(part);
      writer.writeByte(0xaa);
    });
    assert.ok(nested.startsWith('30cb01c8017878') && nested.endsWith('78aa'));
  });

  it('writes strings of every length in the same bytes as Buffer does', () => {
    for (const text of [
      '',
      'a',
      'x'.repeat(64),
      'x'.repeat(65),
      'ç',
      `${'x'.repeat(63)}ç`,
      '\ufeff\u{1f321}',
    ]) {
      const body = Buffer.concat([Buffer.from([0, Buffer.byteLength(text)]), Buffer.from(text)]);
      const packet = written((writer) => writer.writeUtf8String(text, 'x'));
      assert.equal(packet.slice(4), body.toString('hex'));
    }
  });

  it('refuses text and data that cannot be encoded', () => {
    for (const text of ['\0', '\ud800', 'x'.repeat(65_536), 'ç'.repeat(32_768)]) {
      assert.throws(() => written((writer) => writer.writeUtf8String(text, 'Topic Name')), {
        code: 'MQTT_NOT_ENCODABLE',
        message: /^Topic Name/,
      });
    }
    assert.equal(
      written((writer) => writer.writeUtf8String('x'.repeat(65_535), 'x')).length,
      2 * (65_537 + 4),
    );
    assert.throws(() => written((writer) => writer.writeBinaryData(new Uint8Array(65_536), 'Password')), {
      code: 'MQTT_NOT_ENCODABLE',
    });
  });

  it('refuses packets beyond 268,435,455 bytes before it makes room for them', () => {
    const writer = new PacketWriter(16);
    assert.throws(() => writer.beginSizedPacket(0x30, 268_435_456), { code: 'MQTT_PACKET_TOO_LARGE' });
    const half = Buffer.alloc(1 << 27);
    writer.beginPacket(0x30);
    writer.writeSlice(half, 0, half.length);
    assert.throws(
      () => {
        writer.writeSlice(half, 0, half.length);
        writer.writeSlice(half, 0, half.length);
      },
      { code: 'MQTT_PACKET_TOO_LARGE', reasonCode: 0x95 },
    );
    assert.equal(writer.length, 0);
    writer.reset();
  });

  it('forgets a packet that was not ended', () => {
    const writer = new PacketWriter();
    writer.beginSizedPacket(0xc0, 0);
    writer.endSizedPacket();
    writer.beginPacket(0x30);
    writer.writeUint32(1);
    assert.equal(writer.length, 2);
    writer.beginSizedPacket(0xd0, 0);
    writer.endSizedPacket();
    writer.beginPacket(0x30);
    writer.writeUint32(1);
    writer.beginPacket(0x40);
    writer.endPacket();
    assert.equal(writer.take().toString('hex'), 'c000d0004000');
    assert.equal(writer.length, 0);
  });
});
