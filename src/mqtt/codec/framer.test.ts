import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MqttError, type MqttErrorCode } from './errors.ts';
import { Framer } from './framer.ts';

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function push(framer: Framer, bytes: Buffer): string[] {
  const seen: string[] = [];
  framer.push(bytes, 0, bytes.length);
  while (framer.next()) seen.push(framer.bytes.toString('hex', framer.packetStart, framer.bodyEnd));
  return seen;
}

function refusedAs(code: MqttErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof MqttError && error.code === code;
}

/** A PUBLISH of so many bytes, Fixed Header included. */
function bigPacket(bodyBytes: number): Buffer {
  const header = [0x30];
  let rest = bodyBytes;
  do {
    header.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(bodyBytes, 'x')]);
}

describe('Framer', () => {
  it('shows whole packets where they lie in the chunk, without copying', () => {
    const framer = new Framer();
    const chunk = hex('ee c0 00 30 03 00 01 61 d0');
    framer.push(chunk, 1, 9);
    assert.equal(framer.next(), true);
    assert.equal(framer.firstByte, 0xc0);
    assert.deepEqual([framer.packetStart, framer.bodyStart, framer.bodyEnd], [1, 3, 3]);
    assert.equal(framer.next(), true);
    assert.equal(framer.bytes, chunk);
    assert.deepEqual([framer.packetStart, framer.bodyStart, framer.bodyEnd], [3, 5, 8]);
    assert.equal(framer.next(), false);
    assert.equal(framer.heldBytes, 1);
  });

  it('needs nothing of a chunk once it has said that there is no more', () => {
    const framer = new Framer();
    const chunk = hex('30 03 00 01');
    assert.deepEqual(push(framer, chunk), []);
    chunk.fill(0xee);
    assert.deepEqual(push(framer, hex('61 c0 00')), ['3003000161', 'c000']);
    assert.equal(framer.heldBytes, 0);
    assert.equal(framer.heldCapacityBytes, 0, 'an idle connection holds no memory');
  });

  it('[MQTT-1.5.5-1] reads the edges of table 1-1', () => {
    for (const length of [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const packet = bigPacket(length);
      const framer = new Framer();
      framer.setVersion(5);
      framer.push(packet, 0, packet.length);
      assert.equal(framer.next(), true);
      assert.equal(framer.bodyEnd - framer.bodyStart, length);
      assert.equal(framer.next(), false);
    }
  });

  it('shows a packet whose header is cut at any byte', () => {
    const packet = bigPacket(20_000);
    for (let cut = 1; cut < 6; cut++) {
      const framer = new Framer();
      assert.deepEqual(push(framer, packet.subarray(0, cut)), []);
      assert.deepEqual(push(framer, packet.subarray(cut)), [packet.toString('hex')]);
    }
  });

  it('takes time and memory in proportion to what came, byte by byte too', () => {
    const packet = bigPacket(1_000_000);
    const framer = new Framer();
    let came = 0;
    let shown = 0;
    for (let at = 0; at < packet.length; at++) {
      framer.push(packet, at, at + 1);
      while (framer.next()) shown++;
      came++;
      if (shown === 0 && framer.heldCapacityBytes > Math.max(64, 2 * came)) {
        assert.fail(`${framer.heldCapacityBytes} bytes held for ${came}`);
      }
    }
    assert.equal(shown, 1);
  });

  it('does not believe an announced length: memory follows what has come', () => {
    const framer = new Framer();
    push(framer, hex('30 ff ff ff 7f 00'));
    assert.ok(framer.heldCapacityBytes <= 64);
  });

  it('refuses a packet beyond maxPacketBytes as soon as its length is known', () => {
    const framer = new Framer(100);
    assert.deepEqual(push(framer, bigPacket(98)).length, 1);
    assert.throws(() => push(framer, hex('30 63')), refusedAs('MQTT_PACKET_TOO_LARGE'));
    const other = new Framer(200);
    assert.deepEqual(push(other, hex('30 ff')), []);
    assert.throws(() => push(other, hex('01')), refusedAs('MQTT_PACKET_TOO_LARGE'));
  });

  it('counts the Fixed Header in, and can be given another limit', () => {
    const framer = new Framer(10);
    framer.setMaxPacketBytes(203);
    assert.equal(push(framer, bigPacket(200)).length, 1);
    assert.throws(() => push(framer, bigPacket(201)), refusedAs('MQTT_PACKET_TOO_LARGE'));
  });

  it('refuses a fifth byte of Remaining Length at once', () => {
    assert.throws(() => push(new Framer(), hex('30 80 80 80 80')), refusedAs('MQTT_MALFORMED_PACKET'));
    const framer = new Framer();
    push(framer, hex('30 ff ff'));
    assert.throws(() => push(framer, hex('ff ff')), refusedAs('MQTT_MALFORMED_PACKET'));
  });

  it('[MQTT-1.5.5-1] refuses padding in MQTT 5.0 only, and in its CONNECT when the version is known', () => {
    assert.deepEqual(push(new Framer(), hex('c0 80 80 00')), ['c0808000']);
    const earlier = new Framer();
    earlier.setVersion(4);
    assert.deepEqual(push(earlier, hex('c0 80 80 00')), ['c0808000']);
    const framer = new Framer();
    framer.push(hex('10 81 00 00'), 0, 4);
    assert.equal(framer.next(), true);
    assert.throws(() => framer.setVersion(5), refusedAs('MQTT_MALFORMED_PACKET'));
    const minimal = new Framer();
    minimal.push(hex('10 00'), 0, 2);
    assert.equal(minimal.next(), true);
    minimal.setVersion(5);
    assert.throws(() => push(minimal, hex('c0 80 00')), refusedAs('MQTT_MALFORMED_PACKET'));
  });

  it('holds the rest of a chunk when its reader has to wait', () => {
    const framer = new Framer();
    const chunk = hex('10 00 c0 00 30 03 00 01 61 d0');
    framer.push(chunk, 0, chunk.length);
    assert.equal(framer.next(), true);
    assert.equal(framer.unreadBytes, 8);
    framer.hold();
    chunk.fill(0xee);
    framer.push(hex('00 e0 00'), 0, 3);
    framer.hold();
    assert.equal(framer.heldBytes, 11);
    const seen: number[] = [];
    while (framer.next()) seen.push(framer.firstByte);
    assert.deepEqual(seen, [0xc0, 0x30, 0xd0, 0xe0]);
    assert.equal(framer.heldCapacityBytes, 0);
  });

  it('holds more behind what is held already, once some of it has been shown', () => {
    const framer = new Framer();
    const chunk = Buffer.concat([bigPacket(50), bigPacket(40), hex('c0 00 30 03')]);
    framer.push(chunk, 0, chunk.length);
    framer.hold();
    assert.equal(framer.next(), true);
    framer.push(Buffer.concat([hex('00 01 61'), bigPacket(120)]), 0, 125);
    framer.hold();
    const seen: number[] = [];
    while (framer.next()) seen.push(framer.bodyEnd - framer.bodyStart);
    assert.deepEqual(seen, [40, 0, 3, 120]);
  });

  it('keeps the packet it shows whole while bytes are held behind it', () => {
    const framer = new Framer();
    push(framer, hex('30 03 00'));
    framer.push(hex('01 61 c0 00'), 0, 4);
    assert.equal(framer.next(), true);
    framer.hold();
    assert.equal(framer.bytes.toString('hex', framer.packetStart, framer.bodyEnd), '3003000161');
    assert.equal(framer.next(), true);
    assert.equal(framer.firstByte, 0xc0);
  });
});
