import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPublishProperties } from './publish-properties.ts';

const read = (line: string): ReturnType<typeof readPublishProperties> =>
  readPublishProperties(line === '' ? [] : line.split(' '));

describe('the words of -D', () => {
  it('are properties, one after the other, user properties in order', () => {
    const line =
      'publish user-property b 1 publish content-type t publish user-property a -2 publish response-topic r/1 ' +
      'publish message-expiry-interval 4294967295 publish payload-format-indicator 0 publish correlation-data c';
    assert.deepEqual(read(line), {
      ok: true,
      value: {
        userProperties: [
          ['b', '1'],
          ['a', '-2'],
        ],
        contentType: 't',
        responseTopic: 'r/1',
        messageExpiryInterval: 4_294_967_295,
        payloadFormatIndicator: 0,
        correlationData: Buffer.from('c'),
      },
    });
    assert.deepEqual(read(''), { ok: true, value: {} });
  });

  for (const [line, expected] of [
    ['connect user-property a b', /-D connect: here are properties of publish only/],
    ['publish topic-alias 1', /there is no such property; there are user-property, content-type, /],
    ['publish content-type', /its value is missing/],
    ['publish user-property a', /needs a name and a value/],
    ['publish message-expiry-interval 4294967296', /cannot be "4294967296"/],
    ['publish message-expiry-interval -1', /cannot be "-1"/],
    ['publish payload-format-indicator 2', /cannot be "2"/],
    ['publish response-topic a/#', /cannot be "a\/#"/],
  ] as const) {
    it(`cannot be "${line}"`, () => {
      const reading = read(line);
      assert.match(reading.ok ? '' : reading.failure, expected);
    });
  }
});
