import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { it } from 'node:test';
import { PacketType, type ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { decodePacket, type ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { MqttError } from '../../src/mqtt/codec/errors.ts';
import { Framer } from '../../src/mqtt/codec/framer.ts';
import { PacketReader } from '../../src/mqtt/codec/reader.ts';
import { PublishFields, scanPublish } from '../../src/mqtt/codec/scan-publish.ts';
import { vectorBytes, type Vectors } from '../vectors/vector.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';

/** A packet as it was cut from the stream. */
export type Frame = { readonly firstByte: number; readonly body: Buffer };

/** Gives the pieces of a stream to a framer, as chunks of one borrowed buffer, and copies what comes out. */
export function framesOf(pieces: readonly Uint8Array[], framer: Framer = new Framer()): Frame[] {
  const frames: Frame[] = [];
  const borrowed = Buffer.alloc(Math.max(1, ...pieces.map((piece) => piece.length)) + 3);
  for (const piece of pieces) {
    borrowed.set(piece, 3);
    framer.push(borrowed, 3, 3 + piece.length);
    while (framer.next()) {
      frames.push({
        firstByte: framer.firstByte,
        body: Buffer.from(framer.bytes.subarray(framer.bodyStart, framer.bodyEnd)),
      });
    }
    borrowed.fill(0xee); // what is used after `next` has returned false, is seen
  }
  return frames;
}

/** Decodes one frame. */
export function decodeFrame({ firstByte, body }: Frame, version: ProtocolVersion): ControlPacket {
  return decodePacket(new PacketReader().over(body, 0, body.length), firstByte, version);
}

/** The bytes of one packet. */
export function encodeToBytes(packet: ControlPacket, version: ProtocolVersion): Buffer {
  const writer = new PacketWriter(16);
  encodePacket(writer, packet, version);
  return writer.take();
}

/** A packet in a form that can be compared: Buffers become Uint8Arrays. */
export function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, comparable(member)]));
}

/** One test for each vector: decoded, encoded, cut at every byte, or refused. */
export function testVectors({ good, bad }: Vectors): void {
  for (const { name, version, bytes: notation, packet, isLongForm } of good) {
    it(`accepts: ${name} (MQTT ${version})`, () => {
      const bytes = vectorBytes(notation);
      const frames = framesOf([bytes], framerOf(version));
      assert.equal(frames.length, 1, 'the Remaining Length is that of the vector');
      const decoded = decodeFrame(frames[0]!, version);
      assert.deepEqual(comparable(decoded), comparable(packet));
      checkScan(bytes, version, undefined);
      const encoded = encodeToBytes(packet, version);
      if (isLongForm !== true) assert.equal(encoded.toString('hex'), bytes.toString('hex'));
      assert.deepEqual(comparable(decodeFrame(framesOf([encoded])[0]!, version)), comparable(packet));
      for (let cut = 0; cut <= bytes.length; cut++) {
        const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
        assert.deepEqual(framesOf(pieces, framerOf(version)), frames, `cut at ${cut}`);
      }
    });
  }
  for (const { name, version, bytes: notation, code } of bad) {
    it(`refuses: ${name} (MQTT ${version})`, () => {
      const bytes = vectorBytes(notation);
      const refused = (error: unknown): boolean => error instanceof MqttError && error.code === code;
      const attempt = (pieces: readonly Uint8Array[]): void => {
        const frames = framesOf(pieces, framerOf(version));
        assert.equal(frames.length, 1, 'the vector is one whole packet');
        decodeFrame(frames[0]!, version);
      };
      assert.throws(() => attempt([bytes]), refused);
      checkScan(bytes, version, refused);
      for (let cut = 1; cut < bytes.length; cut++) {
        assert.throws(() => attempt([bytes.subarray(0, cut), bytes.subarray(cut)]), refused, `cut at ${cut}`);
      }
    });
  }
}

/**
 * The scanner must judge a PUBLISH by itself: `decodePublish` reads the properties once more, and would hide what the
 * scanner lets through. Only the characters of the topic are not the scanner's.
 */
function checkScan(
  bytes: Buffer,
  version: ProtocolVersion,
  refused: ((error: unknown) => boolean) | undefined,
): void {
  if (bytes[0]! >> 4 !== PacketType.PUBLISH) return;
  const { body, firstByte } = framesOf([bytes])[0]!;
  const scan = (): void => scanPublish(body, 0, body.length, firstByte & 0x0f, version, new PublishFields());
  const topicEnd = body.length < 2 ? 0 : 2 + body.readUInt16BE(0);
  const topic = body.subarray(2, topicEnd);
  if (refused === undefined || !isUtf8(topic) || /[#+\0]/.test(topic.toString('latin1')))
    assert.doesNotThrow(scan);
  else assert.throws(scan, refused);
}

/** A framer of a connection whose version is known. */
export function framerOf(version: ProtocolVersion): Framer {
  const framer = new Framer();
  framer.setVersion(version);
  return framer;
}
