import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PacketType, type ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { decodePacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { MqttError } from '../../src/mqtt/codec/errors.ts';
import { forwardPublish, ForwardOptions } from '../../src/mqtt/codec/forward-publish.ts';
import { Framer } from '../../src/mqtt/codec/framer.ts';
import { PROPERTIES, type Property, type PropertyType } from '../../src/mqtt/codec/property.ts';
import { readProperties } from '../../src/mqtt/codec/read-properties.ts';
import { PacketReader } from '../../src/mqtt/codec/reader.ts';
import { PublishFields, scanPublish } from '../../src/mqtt/codec/scan-publish.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import { anyPacket, PACKET_TYPES, randomFrom, VERSIONS, type Random } from '../helpers/mqtt-packets.ts';

/** `FUZZ_SEED=…` repeats a run; `FUZZ_PACKETS=…` makes it longer. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const PACKETS = Number(process.env['FUZZ_PACKETS'] ?? 1_000_000);
const BATCH = 64;
const MAX_PACKET_BYTES = 8192;
/** What the heap and the buffers outside it may grow by after the first tenth, which fills caches and compiles. */
const MAX_GROWTH_BYTES = 8 << 20;

const INTERESTING = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0b, 0x23, 0x26, 0x30, 0xed, 0xc0];

const writer = new PacketWriter();
const again = new PacketWriter();
const reader = new PacketReader();
const fields = new PublishFields();
const options = new ForwardOptions();

/** Sets, removes or repeats bytes; mostly keeps the Remaining Length right, so that the damage is found further in. */
function mutate(packet: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(packet);
  for (let changes = 1 + random(3); changes > 0 && bytes.length > 0; changes--) {
    const at = random(bytes.length);
    const kind = random(6);
    if (kind < 2) bytes[at] = random(256);
    else if (kind === 2) bytes[at] = INTERESTING[random(INTERESTING.length)]!;
    else if (kind === 3) bytes[at]! ^= 1 << random(8);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(4))]);
    else bytes = Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(Math.max(0, at - random(8)))]);
  }
  return random(32) > 0 ? withRightLength(bytes) : bytes;
}

/** Values of each kind of property, right ones and wrong ones. */
const WIRE_VALUES: Readonly<Record<PropertyType, readonly string[]>> = {
  flag: ['00', '01', '02'],
  byte: ['00', '01', '02'],
  uint16: ['0000', '0001', 'ffff', '00'],
  uint32: ['00000000', '0000003c', 'ffffffff', '0000'],
  variableByteInteger: ['00', '01', 'ffffff7f', '8100', 'ffffffff01', '80'],
  utf8String: ['0000', '000161', '0002c3a7', '000100', '0001ff', '000561'],
  topicName: ['0000', '000161', '0003612f2b', '000123', '0001ff'],
  binaryData: ['0000', '000100', '0003'],
  utf8StringPair: ['00000000', '000161000162', '000161', '0001000000'],
};

/** A PUBLISH of MQTT 5.0 with whole properties that may come twice, be wrong, or belong elsewhere. */
function wildPublish(random: Random): Buffer {
  const rows: readonly Property[] = PROPERTIES.filter(
    (row) => (row.holders as readonly string[]).includes('PUBLISH') || random(16) === 0,
  );
  let properties = '';
  for (let count = random(5); count > 0; count--) {
    const { id, type } = rows[random(rows.length)]!;
    const values = WIRE_VALUES[type];
    properties += id.toString(16).padStart(2, '0') + values[random(random(2) === 0 ? values.length : 2)]!;
  }
  const topic = random(4) === 0 ? '0000' : '0003612f62';
  const qos = random(8);
  const body = `${topic}${qos > 1 ? '0007' : ''}${(properties.length / 2).toString(16).padStart(2, '0')}${properties}6869`;
  const firstByte = 0x30 | (qos > 1 ? 0b0010 : 0);
  return Buffer.concat([Buffer.of(firstByte, body.length / 2), Buffer.from(body, 'hex')]);
}

/** The same packet with a Remaining Length of what is there. */
function withRightLength(bytes: Buffer): Buffer {
  let bodyStart = 1;
  while (bodyStart < Math.min(5, bytes.length) && bytes[bodyStart]! >= 0x80) bodyStart++;
  const body = bytes.subarray(bodyStart + 1);
  const header = [bytes[0] ?? 0];
  let length = body.length;
  do {
    header.push(length >= 0x80 ? (length & 0x7f) | 0x80 : length);
    length >>= 7;
  } while (length > 0);
  return Buffer.concat([Buffer.from(header), body]);
}

/** What an attempt gives, or the MqttError that it throws; another error fails the test. */
function attempt<T>(work: () => T): T | MqttError {
  try {
    return work();
  } catch (error) {
    if (error instanceof MqttError) return error;
    throw error;
  }
}

/** Whether the general reader of properties accepts a PUBLISH: the scanner must agree with it. */
function isAcceptedInParts(bytes: Buffer, start: number, end: number, qos: number): boolean {
  const result = attempt(() => {
    reader.over(bytes, start, end);
    const length = reader.readUint16('Topic Name');
    reader.position += length;
    if (qos > 0) reader.readPacketId();
    const properties = readProperties(reader, 'PUBLISH');
    return qos !== 3 && (length > 0 || properties.topicAlias !== undefined);
  });
  return result === true;
}

/** The scanner judges as the general reader does, and what it accepts leaves as something that is accepted. */
function checkPublish(framer: Framer, version: ProtocolVersion, random: Random): void {
  const { bytes, bodyStart, bodyEnd, firstByte } = framer;
  const flags = firstByte & 0x0f;
  const scanned = attempt(() => scanPublish(bytes, bodyStart, bodyEnd, flags, version, fields));
  const qos = (flags >> 1) & 0b11;
  if (version === 5 && (qos > 0 || flags < 8)) {
    assert.equal(isAcceptedInParts(bytes, bodyStart, bodyEnd, qos), !(scanned instanceof MqttError));
  }
  reader.over(bytes, bodyStart, bodyEnd);
  const decoded = attempt(() => decodePacket(reader, firstByte, version));
  if (scanned instanceof MqttError) {
    assert.equal((decoded as MqttError).code, scanned.code);
    return;
  }
  if (decoded instanceof MqttError) {
    assert.match(decoded.message, /Topic Name/);
    return;
  }
  options.version = VERSIONS[random(3)]!;
  options.qos = 1;
  options.dup = random(2) === 0;
  options.retain = random(2) === 0;
  options.packetId = 1 + random(0xffff);
  options.messageExpiryInterval = random(2) === 0 ? -1 : random(100);
  options.topicAlias = options.version === 5 ? random(3) : 0;
  options.omitTopicName = options.topicAlias > 0 && random(2) === 0;
  options.subscriptionIdentifiers = random(3) === 0 ? [1 + random(300)] : undefined;
  const topic =
    fields.topicEnd > fields.topicStart
      ? bytes.subarray(fields.topicStart, fields.topicEnd)
      : Buffer.from('t');
  again.reset();
  forwardPublish(again, bytes, fields, topic, options);
  const own = new Framer();
  const out = again.bytes();
  own.push(out, 0, out.length);
  assert.ok(own.next());
  reader.over(own.bytes, own.bodyStart, own.bodyEnd);
  const forwarded = decodePacket(reader, own.firstByte, options.version);
  assert.ok(forwarded.type === 'publish' && own.bodyEnd === out.length);
  assert.equal(fields.payloadEnd - fields.payloadStart, forwarded.payload.length);
}

/** Decodes the packet that the framer shows; what is accepted must be stable under encoding. */
function checkPacket(framer: Framer, version: ProtocolVersion): boolean {
  reader.over(framer.bytes, framer.bodyStart, framer.bodyEnd);
  const decoded = attempt(() => decodePacket(reader, framer.firstByte, version));
  if (decoded instanceof MqttError) return false;
  const spoken = decoded.type === 'connect' ? decoded.protocolVersion : version;
  writer.reset();
  encodePacket(writer, decoded, spoken);
  const first = writer.bytes();
  let bodyStart = 2;
  while (first[bodyStart - 1]! >= 0x80) bodyStart++;
  reader.over(first, bodyStart, first.length);
  again.reset();
  encodePacket(again, decodePacket(reader, first[0]!, spoken), spoken);
  if (again.bytes().compare(first) !== 0) {
    assert.fail(`${first.toString('hex')} became ${again.bytes().toString('hex')}`);
  }
  return true;
}

/** Sends a stream of packets, some of them damaged, in pieces of a borrowed buffer. */
function runBatch(random: Random, counts: { good: number; refused: number }): void {
  const version = VERSIONS[random(3)]!;
  const types = PACKET_TYPES.length - (version === 5 ? 0 : 1);
  const parts: Buffer[] = [];
  for (let index = 0; index < BATCH; index++) {
    if (version === 5 && random(4) === 0) {
      parts.push(wildPublish(random));
      continue;
    }
    again.reset();
    encodePacket(again, anyPacket(random, PACKET_TYPES[random(types)]!, version), version);
    parts.push(random(2) === 0 ? Buffer.from(again.bytes()) : mutate(again.bytes(), random));
  }
  const stream = Buffer.concat(parts);
  const borrowed = Buffer.alloc(1024);
  let framer = new Framer(MAX_PACKET_BYTES);
  framer.setVersion(version);
  for (let at = 0; at < stream.length;) {
    const length = Math.min(1 + random(random(3) === 0 ? 8 : 1024), stream.length - at);
    stream.copy(borrowed, 0, at, at + length);
    at += length;
    framer.push(borrowed, 0, length);
    for (;;) {
      const next = attempt(() => framer.next());
      if (next === false) break;
      if (next instanceof MqttError) {
        // A connection would end here. Another one goes on with the bytes that follow, whatever they are.
        counts.refused++;
        framer = new Framer(MAX_PACKET_BYTES);
        framer.setVersion(version);
        break;
      }
      if (framer.firstByte >> 4 === PacketType.PUBLISH) checkPublish(framer, version, random);
      if (checkPacket(framer, version)) counts.good++;
      else counts.refused++;
    }
    assert.ok(framer.heldCapacityBytes <= 2 * MAX_PACKET_BYTES);
  }
}

test(`the codec under ${PACKETS} packets, half of them damaged (seed ${seed})`, { timeout: 240_000 }, (t) => {
  const random = randomFrom(seed);
  const counts = { good: 0, refused: 0 };
  let settledBytes = Number.POSITIVE_INFINITY;
  let sent = 0;
  while (counts.good + counts.refused < PACKETS) {
    runBatch(random, counts);
    sent += BATCH;
    if (settledBytes === Number.POSITIVE_INFINITY && sent > PACKETS / 10) settledBytes = usedBytes();
  }
  const grownBytes = usedBytes() - settledBytes;
  t.diagnostic(
    `${sent} sent: ${counts.good} accepted, ${counts.refused} refused, ${grownBytes} bytes more in use`,
  );
  assert.ok(counts.good > PACKETS / 4 && counts.refused > PACKETS / 10);
  assert.ok(grownBytes < MAX_GROWTH_BYTES, `${grownBytes} bytes more in use`);
});

/** Bytes in use after a full collection. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
