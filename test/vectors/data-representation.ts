import { malformedVector, type Vectors } from './vector.ts';

/** Sections 1.5 and 2, shown in the packets in which they are met most easily. */
export const DATA_REPRESENTATION: Vectors = {
  good: [
    {
      name: "[MQTT-1.5.4-1] the standard's own string A and U+2A6D4 (figure 1.2)",
      version: 5,
      bytes: 'a2 0a 00 01 00 00 05 41 f0 aa 9b 94',
      packet: { type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['A\u{2a6d4}'] },
    },
    {
      name: '[MQTT-1.5.4-3] U+FEFF is not stripped off',
      version: 5,
      bytes: 'a2 09 00 01 00 00 04 ef bb bf 61',
      packet: { type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['\ufeffa'] },
    },
    {
      name: '[v3.1.1 MQTT-1.5.3-3] U+FEFF is not stripped off',
      version: 4,
      bytes: 'a2 08 00 01 00 04 61 ef bb bf',
      packet: { type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['a\ufeff'] },
    },
    {
      name: '1.5.4 control characters and non-characters may be accepted',
      version: 5,
      bytes: 'a2 0a 00 01 00 00 05 01 7f ef bf bf',
      packet: { type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['\u0001\u007f\uffff'] },
    },
    {
      name: '1.5.7 user properties keep their order, and a name may come again',
      version: 5,
      bytes: "e0 1b 00 19 26 00 01 'b' 00 01 '1' 26 00 01 'a' 00 00 26 00 01 'b' 00 01 '2' 26 00 00 00 00",
      packet: {
        type: 'disconnect',
        reasonCode: 0x00,
        properties: {
          userProperties: [
            ['b', '1'],
            ['a', ''],
            ['b', '2'],
            ['', ''],
          ],
        },
      },
    },
  ],
  bad: [
    malformedVector('[MQTT-1.5.4-1] a surrogate', 5, 'a2 # 00 01 00 00 03 ed a0 80'),
    malformedVector(
      '[MQTT-1.5.4-1] a surrogate pair in six bytes',
      5,
      'a2 # 00 01 00 00 06 ed a0 81 ed b0 80',
    ),
    malformedVector('[MQTT-1.5.4-1] a continuation byte alone', 5, 'a2 # 00 01 00 00 01 80'),
    malformedVector('[MQTT-1.5.4-1] a character cut short by the end', 5, 'a2 # 00 01 00 00 02 e2 82'),
    malformedVector('[MQTT-1.5.4-1] an overlong form', 5, 'a2 # 00 01 00 00 02 c0 af'),
    malformedVector('[MQTT-1.5.4-1] above U+10FFFF', 5, 'a2 # 00 01 00 00 04 f4 90 80 80'),
    malformedVector('[v3.1.1 MQTT-1.5.3-1] ill-formed UTF-8', 4, 'a2 # 00 01 00 01 ff'),
    malformedVector('[MQTT-1.5.4-2] U+0000', 5, "a2 # 00 01 00 00 03 'a' 00 'b'"),
    malformedVector('[MQTT-1.5.4-2] U+0000 in its overlong form', 5, 'a2 # 00 01 00 00 02 c0 80'),
    malformedVector('[v3.1.1 MQTT-1.5.3-2] U+0000', 4, 'a2 # 00 01 00 01 00'),
    malformedVector(
      '[MQTT-1.5.7-1] U+0000 in the name of a User Property',
      5,
      'e0 # 00 06 26 00 01 00 00 00',
    ),
    malformedVector('[MQTT-1.5.7-1] ill-formed value of a User Property', 5, 'e0 # 00 06 26 00 00 00 01 ff'),
    malformedVector('1.5.4 a string longer than the packet', 5, "a2 # 00 01 00 00 05 'abc'"),
    malformedVector('1.5.4 half the length of a string', 5, "a2 # 00 01 00 00 01 'a' 00"),
    malformedVector('1.5.5 a Property Length of five bytes', 5, 'e0 # 00 80 80 80 80 00'),
    malformedVector('[MQTT-1.5.5-1] a Property Length of 0 in two bytes', 5, 'e0 # 00 80 00'),
    malformedVector('[MQTT-1.5.5-1] a Property Identifier in two bytes', 5, 'e0 # 00 06 91 00 00 00 00 01'),
    malformedVector('[MQTT-1.5.5-1] a Remaining Length of 0 in two bytes', 5, 'c0 80 00'),
    malformedVector('[MQTT-1.5.5-1] a Remaining Length of 2 in four bytes', 5, '40 82 80 80 00 00 01'),
    malformedVector('1.5.5 a Remaining Length of five bytes', 5, 'c0 80 80 80 80 00'),
    malformedVector('[v3.1.1 2.2.3] a Remaining Length of five bytes', 4, 'c0 ff ff ff ff 00'),
    malformedVector('2.1.2 packet type 0 is reserved', 5, '00 00'),
    malformedVector('[v3.1.1 2.2.1] packet type 0 is reserved', 4, '00 00'),
    malformedVector('[v3.1.1 2.2.1] packet type 15 is reserved', 4, 'f0 00'),
    malformedVector('2.2.2 properties longer than the packet', 5, 'e0 # 00 05 11 00 00 00'),
    malformedVector('2.2.2 a value longer than the properties', 5, 'e0 # 00 03 11 00 00 00 00'),
    malformedVector('2.2.2.2 a property that does not belong', 5, 'e0 # 00 03 21 00 01'),
    malformedVector('2.2.2.2 a property that does not exist', 5, 'e0 # 00 02 7f 00'),
    malformedVector('2.2.2.2 a Property Identifier above 0x7F', 5, 'e0 # 00 03 80 01 00'),
  ],
};
