import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePropertyFlags } from './property-flags.ts';

const read = (...lines: string[]): ReturnType<typeof parsePropertyFlags> =>
  parsePropertyFlags(lines.map((line) => line.split(' ')));

describe('what stands behind -D', () => {
  it('is a property of a packet, user properties in order', () => {
    const reading = read(
      'publish user-property b 1',
      'publish content-type t',
      'PUBLISH user-property a -2',
      'publish response-topic r/1',
      'publish message-expiry-interval 4294967295',
      'publish payload-format-indicator 0',
      'publish correlation-data c',
      'publish topic-alias 1',
      'connect request-problem-information 0',
      'connect receive-maximum 65535',
      'will will-delay-interval 5',
      'subscribe subscription-identifier 268435455',
      'unsubscribe user-property a b',
      'disconnect session-expiry-interval 7',
    );
    assert.deepEqual(reading, {
      ok: true,
      value: {
        publish: {
          userProperties: [
            ['b', '1'],
            ['a', '-2'],
          ],
          contentType: 't',
          responseTopic: 'r/1',
          messageExpiryInterval: 4_294_967_295,
          payloadFormatIndicator: 0,
          correlationData: Buffer.from('c'),
          topicAlias: 1,
        },
        connect: { requestProblemInformation: false, receiveMaximum: 65_535 },
        will: { willDelayInterval: 5 },
        subscribe: { subscriptionIdentifier: 268_435_455 },
        unsubscribe: { userProperties: [['a', 'b']] },
        disconnect: { sessionExpiryInterval: 7 },
      },
    });
  });

  for (const [line, expected] of [
    ['puback user-property a b', /-D puback: there are connect, will, publish, /],
    ['publish colour red', /there is no such property; there are payload-format-indicator, /],
    ['publish subscription-identifier 1', /there is no such property/],
    ['connect receive-maximum 0', /cannot be "0"/],
    ['connect receive-maximum 65536', /cannot be "65536"/],
    ['connect request-problem-information 2', /cannot be "2"/],
    ['publish topic-alias 0', /cannot be "0"/],
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
