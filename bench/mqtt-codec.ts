import { PacketType, type ProtocolVersion } from '../src/mqtt/codec/control-packet.ts';
import { writeAcknowledgement } from '../src/mqtt/codec/acknowledgement.ts';
import { decodePacket } from '../src/mqtt/codec/decode-packet.ts';
import { forwardPublish, ForwardOptions } from '../src/mqtt/codec/forward-publish.ts';
import { Framer } from '../src/mqtt/codec/framer.ts';
import { decodePublish, encodePublish, type PublishPacket } from '../src/mqtt/codec/publish.ts';
import { PacketReader } from '../src/mqtt/codec/reader.ts';
import { PublishFields, scanPublish } from '../src/mqtt/codec/scan-publish.ts';
import { PacketWriter } from '../src/mqtt/codec/writer.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

/** What one read of a busy socket brings. */
const CHUNK_BYTES = 65_536;
const PAYLOAD_BYTES = 64;
const TOPIC_NAME = 'devices/thermometer-1/temperature';
/** Framer and `scanPublish` of one QoS 0 message, in nanoseconds. */
const MAX_SCAN_NS = 60;

/** Runs its work once and returns how many messages that were. */
type Work = () => number;

const framer = new Framer();
const fields = new PublishFields();
const reader = new PacketReader();
const writer = new PacketWriter(2 * CHUNK_BYTES);

function messageOf(properties: PublishPacket['properties'], qos: 0 | 1): PublishPacket {
  const payload = Buffer.alloc(PAYLOAD_BYTES, 'x');
  return {
    type: 'publish',
    dup: false,
    qos,
    retain: false,
    topicName: TOPIC_NAME,
    packetId: qos,
    properties,
    payload,
  };
}

function fillChunk(message: PublishPacket, version: ProtocolVersion): Buffer {
  writer.reset();
  do encodePublish(writer, message, version);
  while (writer.length < CHUNK_BYTES);
  return writer.take();
}

function frame(chunk: Buffer): Work {
  return () => {
    let count = 0;
    framer.push(chunk, 0, chunk.length);
    while (framer.next()) count++;
    return count;
  };
}

/** Chunks whose ends cut a packet, as those of a stream do. */
function frameCut(chunk: Buffer): Work {
  const middle = Math.floor(chunk.length / 2) + 13;
  return () => {
    let count = 0;
    framer.push(chunk, 0, middle);
    while (framer.next()) count++;
    framer.push(chunk, middle, chunk.length);
    while (framer.next()) count++;
    return count;
  };
}

function frameAndScan(chunk: Buffer, version: ProtocolVersion): Work {
  return () => {
    let count = 0;
    framer.push(chunk, 0, chunk.length);
    while (framer.next()) {
      scanPublish(framer.bytes, framer.bodyStart, framer.bodyEnd, framer.firstByte & 0x0f, version, fields);
      count += fields.payloadEnd === framer.bodyEnd ? 1 : 0;
    }
    return count;
  };
}

function frameAndDecode(chunk: Buffer, version: ProtocolVersion): Work {
  return () => {
    let count = 0;
    framer.push(chunk, 0, chunk.length);
    while (framer.next()) {
      reader.over(framer.bytes, framer.bodyStart, framer.bodyEnd);
      const message = decodePublish(reader, framer.firstByte & 0x0f, version);
      count += message.payload.length === PAYLOAD_BYTES ? 1 : 0;
    }
    return count;
  };
}

function encode(message: PublishPacket, version: ProtocolVersion): Work {
  return () => {
    writer.reset();
    for (let count = 0; count < 500; count++) encodePublish(writer, message, version);
    return 500;
  };
}

function forward(chunk: Buffer, version: ProtocolVersion, target: ProtocolVersion): Work {
  const options = new ForwardOptions();
  options.version = target;
  options.qos = 1;
  options.packetId = 7;
  const topic = Buffer.from(TOPIC_NAME);
  framer.push(chunk, 0, chunk.length);
  framer.next();
  const own = new PublishFields();
  scanPublish(framer.bytes, framer.bodyStart, framer.bodyEnd, framer.firstByte & 0x0f, version, own);
  framer.push(chunk, 0, 0);
  return () => {
    writer.reset();
    for (let count = 0; count < 500; count++) forwardPublish(writer, chunk, own, topic, options);
    return 500;
  };
}

function acknowledge(): Work {
  return () => {
    writer.reset();
    for (let id = 1; id <= 500; id++) writeAcknowledgement(writer, PacketType.PUBACK, id, 0, 5);
    return 500;
  };
}

function decodeAcknowledgements(): Work {
  writer.reset();
  for (let id = 1; id <= 500; id++) writeAcknowledgement(writer, PacketType.PUBACK, id, 0, 5);
  const chunk = writer.take();
  return () => {
    let count = 0;
    framer.push(chunk, 0, chunk.length);
    while (framer.next()) {
      reader.over(framer.bytes, framer.bodyStart, framer.bodyEnd);
      if (decodePacket(reader, framer.firstByte, 5).type === 'puback') count++;
    }
    return count;
  };
}

/** Nanoseconds for one message in each round, after a warm-up. */
function measure(work: Work, rounds: number, roundMs: number): number[] {
  const until = performance.now() + roundMs;
  while (performance.now() < until) work();
  const results: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let messages = 0;
    const start = performance.now();
    let elapsed = 0;
    while (elapsed < roundMs) {
      for (let repeat = 0; repeat < 4; repeat++) messages += work();
      elapsed = performance.now() - start;
    }
    results.push((elapsed * 1e6) / messages);
  }
  return results;
}

/** Prints what the pieces of the MQTT codec cost; true when the bar is met. */
export function benchMqttCodec({ rounds, roundMs }: { rounds: number; roundMs: number }): readonly Bar[] {
  const plain = messageOf({}, 0);
  const rich = messageOf(
    {
      messageExpiryInterval: 60,
      contentType: 'application/json',
      responseTopic: 'answers/1',
      correlationData: Buffer.from('12345678'),
      userProperties: [['trace', '0af7651916cd43dd']],
    },
    0,
  );
  const chunk4 = fillChunk(plain, 4);
  const chunk5 = fillChunk(plain, 5);
  const chunkRich = fillChunk(rich, 5);
  const scan = 'framer + scanPublish, 3.1.1';
  const works: readonly (readonly [string, Work])[] = [
    ['framer step', frame(chunk4)],
    ['framer step, packets cut by chunks', frameCut(chunk4)],
    [scan, frameAndScan(chunk4, 4)],
    ['framer + scanPublish, 5.0', frameAndScan(chunk5, 5)],
    ['framer + scanPublish, 5.0 with five properties', frameAndScan(chunkRich, 5)],
    ['framer + decodePublish, 3.1.1', frameAndDecode(chunk4, 4)],
    ['framer + decodePublish, 5.0', frameAndDecode(chunk5, 5)],
    ['framer + decodePublish, 5.0 with five properties', frameAndDecode(chunkRich, 5)],
    ['encodePublish, 3.1.1', encode(plain, 4)],
    ['encodePublish, 5.0', encode(plain, 5)],
    ['encodePublish, 5.0 with five properties', encode(rich, 5)],
    ['forwardPublish, 3.1.1 to 3.1.1 at QoS 1', forward(chunk4, 4, 4)],
    ['forwardPublish, 5.0 with five properties', forward(chunkRich, 5, 5)],
    ['writeAcknowledgement', acknowledge()],
    ['framer + decodePacket of a PUBACK', decodeAcknowledgements()],
  ];
  const results = works.map(([name, work]) => ({ name, ns: measure(work, rounds, roundMs) }));
  printTable(
    `MQTT codec: ns each, QoS 0, payload of ${PAYLOAD_BYTES} bytes, chunks of ${CHUNK_BYTES} bytes, topic of ${TOPIC_NAME.length} bytes`,
    ['work', 'median', 'best'],
    results.map(({ name, ns }) => [name, median(ns), Math.min(...ns)]),
  );
  const scanNs = median(results.find(({ name }) => name === scan)?.ns ?? []);
  return [
    {
      figure: scan,
      met: scanNs < MAX_SCAN_NS,
      measured: `${scanNs.toFixed(1)} ns`,
      wanted: `< ${MAX_SCAN_NS} ns`,
    },
  ];
}
