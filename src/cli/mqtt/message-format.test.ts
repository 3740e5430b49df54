import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BusMessage } from '../../bus/bus.ts';
import { formatIsoTime, formatIsoTimeWithMicroseconds } from './local-time.ts';
import { formatPayload, formatVerbose, readFormat, type MessageFormat } from './message-format.ts';

const MESSAGE: BusMessage = {
  topicName: 'house/lamp',
  payload: Buffer.from('{"on": 1.50}'),
  qos: 1,
  retain: true,
  dup: false,
  packetId: 7,
  properties: {
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Buffer.from([0xff, 0]),
    messageExpiryInterval: 60,
    payloadFormatIndicator: 1,
    userProperties: [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ],
  },
};
const BARE: BusMessage = { ...MESSAGE, qos: 0, packetId: 0, retain: false, properties: {} };
const now = new Date(1_470_818_943_786);
const context = { clientId: 'me', now };

function bytesOf(format: MessageFormat, message = MESSAGE): Buffer {
  const formatted = format(message, context);
  assert.ok(formatted.ok);
  return Buffer.from(formatted.value);
}

function format(text: string, message = MESSAGE): string {
  const reading = readFormat(text);
  assert.ok(reading.ok, text);
  return bytesOf(reading.value, message).toString('latin1');
}

describe('the form of a message', () => {
  for (const [text, expected] of [
    ['', ''],
    ['%t %p', 'house/lamp {"on": 1.50}'],
    ['%q %r %l %m %i', '1 1 12 7 me'],
    ['%x|%X', '7b226f6e223a20312e35307d|7B226F6E223A20312E35307D'],
    ['%C|%R|%E|%F|%P', 'text/plain|answers|60|1|a:1 b:2 a:3'],
    ['%D', '\xff\0'],
    ['%%|@@|\\\\|\\0\\a\\e\\n\\r\\t\\v', '%|@|\\|\0\x07\x1b\n\r\t\v'],
    ['%12t|%-12t|%.5t|%6.5t|%-6.5t', '  house/lamp|house/lamp  |house| house|house '],
    ['%14p|%-14p|', '  {"on": 1.50}|{"on": 1.50}  |'],
    ['%05l|%-05l|%03m|%012t', '00012|12   |007|  house/lamp'],
    ['%U|@s.@N', '1470818943.786000000|1470818943.786000000'],
    ['@Y-@m-@dT@H:@M:@S@z|@FT@T@z', `${formatIsoTime(now)}|${formatIsoTime(now)}`],
    ['%I', formatIsoTime(now)],
  ] as const) {
    it(JSON.stringify(text), () => assert.equal(format(text), expected));
  }

  it('has empty places where a message has no properties', () => {
    assert.equal(format('%C|%D|%E|%F|%P|%R|%m|%r', BARE), '||||||0|0');
  });

  for (const text of ['%', '%k', '%5', '@', '\\q', '\\', '%.t%']) {
    it(`cannot be ${JSON.stringify(text)}`, () => {
      const reading = readFormat(text);
      assert.match(reading.ok ? '' : reading.failure, /is nothing that a format can hold/);
    });
  }

  it('keeps the bytes of a payload', () => {
    const payload = Uint8Array.from({ length: 256 }, (_, index) => index);
    const message = { ...MESSAGE, payload };
    assert.deepEqual([...bytesOf(formatPayload(false), message)], [...payload]);
    assert.deepEqual(
      [...bytesOf(formatVerbose(false), message)],
      [...Buffer.from('house/lamp '), ...payload],
    );
    assert.equal(format('[%p]', message), `[${Buffer.from(payload).toString('latin1')}]`);
  });

  it('says (null) for an empty payload after -v, as mosquitto_sub does', () => {
    assert.equal(
      bytesOf(formatVerbose(false), { ...MESSAGE, payload: new Uint8Array(0) }).toString(),
      'house/lamp (null)',
    );
  });
});

describe('on a terminal', () => {
  const hostile = {
    ...MESSAGE,
    topicName: 'a\u009b\n',
    payload: Buffer.from('one\ntwo\t\u001b[2J\xff', 'latin1'),
    properties: { contentType: '\u001b', correlationData: Buffer.from([7]) },
  };
  const shown = (text: string): string => {
    const reading = readFormat(text, { isTerminal: true, isPretty: true });
    assert.ok(reading.ok);
    return bytesOf(reading.value, hostile).toString();
  };

  it('what others say is shown and not obeyed; what the format says is its own', () => {
    assert.equal(shown('\\e[1m%t|%C|%D|\\n'), '\u001b[1ma\\u009b\\u000a|\\u001b|\\u0007|\n');
    assert.equal(shown('%p'), 'one\ntwo\t\\u001b[2J\ufffd');
    assert.match(shown('%j'), /^\{\n\t"tst":\t".*\n\t"topic":\t"a\\u009b\\n",\n/);
    assert.equal(
      bytesOf(formatVerbose(true), hostile).toString(),
      'a\\u009b\\u000a one\ntwo\t\\u001b[2J\ufffd',
    );
    assert.equal(bytesOf(formatPayload(true), hostile).toString(), 'one\ntwo\t\\u001b[2J\ufffd');
  });
});

describe('the JSON of a message', () => {
  const tst = formatIsoTimeWithMicroseconds(now);

  it('has the keys of mosquitto_sub in their order', () => {
    assert.equal(
      format('%j'),
      `{"tst":"${tst}","topic":"house/lamp","qos":1,"retain":1,"payloadlen":12,"mid":7,"properties":` +
        '{"user-properties":{"a":["1","3"],"b":"2"},"content-type":"text/plain","response-topic":"answers",' +
        '"correlation-data-base64":"/wA=","payload-format-indicator":1,"message-expiry-interval":60},' +
        '"payload":"{\\"on\\": 1.50}"}',
    );
    assert.equal(
      format('%j', BARE),
      `{"tst":"${tst}","topic":"house/lamp","qos":0,"retain":0,"payloadlen":12,"payload":"{\\"on\\": 1.50}"}`,
    );
  });

  it('has bytes that are no text in base64', () => {
    assert.match(format('%j', { ...BARE, payload: Buffer.from([0xff, 1]) }), /,"payload-base64":"\/wE="}$/);
  });

  it('holds a payload that is JSON as it is with %J, and no other', () => {
    assert.match(format('%J', BARE), /,"payload":\{"on": 1\.50\}}$/);
    for (const payload of [Buffer.from('no JSON'), Buffer.from([0x22, 0xff, 0x22]), new Uint8Array(0)]) {
      const reading = readFormat('%t %J');
      assert.ok(reading.ok);
      assert.deepEqual(reading.value({ ...BARE, payload }, context), {
        ok: false,
        failure: 'the payload on house/lamp is not valid JSON',
      });
    }
  });
});
