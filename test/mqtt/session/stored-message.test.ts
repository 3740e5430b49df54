import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { keepMessage } from '../../helpers/stored-messages.ts';
import { encodePublish, type PublishProperties } from '../../../src/mqtt/codec/publish.ts';
import { PublishFields, scanPublish } from '../../../src/mqtt/codec/scan-publish.ts';
import { PacketWriter } from '../../../src/mqtt/codec/writer.ts';
import { secondsLeft, storeMessage, type StoredMessage } from '../../../src/mqtt/session/stored-message.ts';

const NOW_MS = 1_790_000_000_000;

const bytesOf = (message: StoredMessage): Buffer => Buffer.from(message.body, 'latin1');
const topicOf = (message: StoredMessage): string => bytesOf(message).toString('utf8', 0, message.topicEnd);
const payloadOf = (message: StoredMessage): Buffer => bytesOf(message).subarray(message.propertiesEnd);
const propertiesOf = (message: StoredMessage): string =>
  bytesOf(message).toString('hex', message.topicEnd, message.propertiesEnd);
const expiryOf = (message: StoredMessage): number => bytesOf(message).readUInt32BE(message.messageExpiryAt);

/** A PUBLISH of MQTT 5.0 with these bytes as its properties, kept. */
function keepWithProperties(
  properties: string,
  { topicName = 'a/b', alias }: { topicName?: string; alias?: Buffer } = {},
): StoredMessage {
  const topic = Buffer.from(alias === undefined ? topicName : '');
  const raw = Buffer.from(properties.replaceAll(' ', ''), 'hex');
  const head = Buffer.of(0, topic.length);
  // In the middle of a larger buffer, as packets lie in what arrived.
  const body = Buffer.concat([
    Buffer.from('before'),
    head,
    topic,
    Buffer.of(raw.length),
    raw,
    Buffer.from('payload'),
  ]);
  const bytes = Buffer.concat([body, Buffer.from('after')]);
  const fields = new PublishFields();
  scanPublish(bytes, 6, body.length, 0, 5, fields);
  const { topicStart, topicEnd } = fields;
  const of =
    alias === undefined
      ? { topicName, topicBytes: bytes, topicStart, topicEnd }
      : { topicName: alias.toString(), topicBytes: alias, topicStart: 0, topicEnd: alias.length };
  return storeMessage({ ...of, bytes, fields, payloadBytes: bytes, block: undefined }, NOW_MS);
}

const ALIAS = '23 0007';
const EXPIRY = '02 0000003c';
const CONTENT_TYPE = '03 0002 c3a9';
const USER_PROPERTY = '26 0001 6b 0001 76';
const plain = (...parts: string[]): string => parts.join('').replaceAll(' ', '');

describe('storeMessage', () => {
  it('keeps topic, properties and payload, byte by byte', () => {
    const payload = Uint8Array.from({ length: 256 }, (_, index) => index);
    const message = keepMessage({ topicName: 'tópico/日本/😀', payload, qos: 2, retain: true }, NOW_MS);
    assert.deepEqual([message.topicName, message.qos, message.retain], ['tópico/日本/😀', 2, true]);
    assert.equal(topicOf(message), 'tópico/日本/😀');
    assert.deepEqual(payloadOf(message), Buffer.from(payload));
    assert.equal(message.payloadLength, 256);
    assert.equal(message.expiresAtMs, Infinity);
    assert.equal(message.messageExpiryAt, -1);
  });

  it('keeps any message', () => {
    const anyText = fc.string({
      unit: fc.constantFrom('a', '/', 'é', 'ÿ', '日', '😀', '\u007f'),
      maxLength: 20,
    });
    const anyMessage = fc.record({
      topicName: anyText.filter((text) => text !== ''),
      payload: fc.uint8Array({ maxLength: 200 }),
      contentType: fc.option(anyText, { nil: undefined }),
      expiry: fc.option(fc.nat(), { nil: undefined }),
      userProperties: fc.array(fc.tuple(anyText, anyText), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(anyMessage, ({ topicName, payload, contentType, expiry, userProperties }) => {
        const properties: PublishProperties = {
          ...(contentType !== undefined && { contentType }),
          ...(expiry !== undefined && { messageExpiryInterval: expiry }),
          ...(userProperties.length > 0 && { userProperties }),
        };
        const message = keepMessage({ topicName, payload, properties }, NOW_MS);
        assert.equal(topicOf(message), topicName);
        assert.deepEqual(payloadOf(message), Buffer.from(payload));
        assert.equal(message.expiresAtMs, expiry === undefined ? Infinity : NOW_MS + expiry * 1000);
        if (expiry !== undefined) assert.equal(expiryOf(message), expiry);
        // What is kept is what a packet without Packet Identifier has, but for the lengths.
        const writer = new PacketWriter();
        const rest = { type: 'publish', dup: false, qos: 0, retain: false, packetId: 0 } as const;
        encodePublish(writer, { ...rest, topicName, payload, properties }, 5);
        const end = writer.bytes().subarray(writer.bytes().length - message.body.length + message.topicEnd);
        assert.deepEqual(end, bytesOf(message).subarray(message.topicEnd));
      }),
    );
  });

  for (const [what, parts] of [
    ['first', [ALIAS, EXPIRY, CONTENT_TYPE]],
    ['between, before the expiry', [CONTENT_TYPE, ALIAS, EXPIRY]],
    ['between, after the expiry', [EXPIRY, ALIAS, USER_PROPERTY]],
    ['last', [USER_PROPERTY, EXPIRY, ALIAS]],
    ['alone', [ALIAS]],
  ] as const) {
    it(`leaves out the Topic Alias, ${what}, and finds the expiry`, () => {
      for (const alias of [undefined, Buffer.from('longer/tópico')]) {
        const message = keepWithProperties(parts.join(''), alias === undefined ? {} : { alias });
        assert.equal(topicOf(message), alias === undefined ? 'a/b' : 'longer/tópico');
        assert.equal(propertiesOf(message), plain(...parts.filter((part) => part !== ALIAS)));
        assert.equal(payloadOf(message).toString(), 'payload');
        if (parts.some((part) => part === EXPIRY)) assert.equal(expiryOf(message), 60);
        else assert.equal(message.messageExpiryAt, -1);
      }
    });
  }

  it('keeps properties as they are where there is no Topic Alias', () => {
    const message = keepWithProperties(`${USER_PROPERTY}${EXPIRY}${CONTENT_TYPE}`);
    assert.equal(propertiesOf(message), plain(USER_PROPERTY, EXPIRY, CONTENT_TYPE));
    assert.equal(expiryOf(message), 60);
    assert.equal(message.expiresAtMs, NOW_MS + 60_000);
  });

  it('counts more than the payload, and no more than twice the memory of a small one', () => {
    const small = keepMessage({ topicName: 'a', payload: Buffer.alloc(1) });
    const large = keepMessage({ topicName: 'a', payload: Buffer.alloc(1001) });
    assert.equal(large.sizeBytes - small.sizeBytes, 1000);
    assert.ok(small.sizeBytes > small.body.length);
  });
});

describe('secondsLeft [MQTT-3.3.2-6]', () => {
  const message = keepMessage({ properties: { messageExpiryInterval: 60 } }, NOW_MS);

  for (const [afterMs, left] of [
    [0, 60],
    [1, 60],
    [1000, 59],
    [59_001, 1],
    [60_000, 0],
    [1_000_000, 0],
    [-5000, 65],
  ] as const) {
    it(`is ${left} after ${afterMs} ms`, () => {
      assert.equal(secondsLeft(message, NOW_MS + afterMs), left);
    });
  }

  it('is -1 without a Message Expiry Interval', () => {
    assert.equal(secondsLeft(keepMessage({}), NOW_MS), -1);
  });
});
