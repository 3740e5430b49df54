import { malformedVector, protocolVector, type Vectors } from './vector.ts';

/** Sections 3.10 and 3.11. */
export const UNSUBSCRIBE: Vectors = {
  good: [
    {
      name: "3.10.3 the standard's own example: a/b and c/d",
      version: 5,
      bytes: "a2 0d 00 0a 00 00 03 'a/b' 00 03 'c/d'",
      packet: { type: 'unsubscribe', packetId: 10, properties: {}, topicFilters: ['a/b', 'c/d'] },
    },
    {
      name: '3.10.2.1 User Properties',
      version: 5,
      bytes: "a2 0d 00 0a 07 26 00 01 'k' 00 01 'v' 00 01 'a'",
      packet: {
        type: 'unsubscribe',
        packetId: 10,
        properties: { userProperties: [['k', 'v']] },
        topicFilters: ['a'],
      },
    },
    {
      name: "[v3.1.1 3.10.3] the standard's own example",
      version: 4,
      bytes: "a2 0c 00 0a 00 03 'a/b' 00 03 'c/d'",
      packet: { type: 'unsubscribe', packetId: 10, properties: {}, topicFilters: ['a/b', 'c/d'] },
    },
    {
      name: 'MQTT 3.1: DUP',
      version: 3,
      bytes: "aa 07 00 0a 00 03 'a/b'",
      isLongForm: true,
      packet: { type: 'unsubscribe', packetId: 10, properties: {}, topicFilters: ['a/b'] },
    },
    {
      name: '3.11.3 one Reason Code for each Topic Filter, in order',
      version: 5,
      bytes: 'b0 05 00 0a 00 11 00',
      packet: { type: 'unsuback', packetId: 10, properties: {}, reasonCodes: [0x11, 0x00] },
    },
    {
      name: '3.11.2.1 Reason String and User Properties',
      version: 5,
      bytes: "b0 11 00 0a 0d 1f 00 03 'why' 26 00 01 'k' 00 01 'v' 8f",
      packet: {
        type: 'unsuback',
        packetId: 10,
        properties: { reasonString: 'why', userProperties: [['k', 'v']] },
        reasonCodes: [0x8f],
      },
    },
    {
      name: '[v3.1.1 3.11.2] the Packet Identifier is all',
      version: 4,
      bytes: 'b0 02 00 0a',
      packet: { type: 'unsuback', packetId: 10, properties: {}, reasonCodes: [] },
    },
  ],
  bad: [
    malformedVector('[MQTT-3.10.1-1] flags 0000', 5, "a0 # 00 0a 00 00 01 'a'"),
    malformedVector('[v3.1.1 MQTT-3.10.1-1] flags 0110', 4, "a6 # 00 0a 00 01 'a'"),
    malformedVector('[MQTT-3.10.3-1] a Topic Filter that is not UTF-8', 5, 'a2 # 00 0a 00 00 01 ff'),
    malformedVector('2.2.2.2 Subscription Identifier does not belong', 5, "a2 # 00 0a 02 0b 01 00 01 'a'"),
    malformedVector('3.10.2 no Packet Identifier', 5, 'a2 00'),
    protocolVector('[MQTT-2.2.1-3] Packet Identifier 0', 5, "a2 # 00 00 00 00 01 'a'"),
    protocolVector('[v3.1.1 MQTT-2.3.1-1] Packet Identifier 0', 4, "a2 # 00 00 00 01 'a'"),
    protocolVector('[MQTT-3.10.3-2] no Topic Filter', 5, 'a2 # 00 0a 00'),
    protocolVector('[v3.1.1 MQTT-3.10.3-2] no Topic Filter', 4, 'a2 # 00 0a'),
    malformedVector('[MQTT-2.1.3-1] reserved flags of UNSUBACK', 5, 'b2 # 00 0a 00 00'),
    malformedVector('[v3.1.1 3.11.3] a payload', 4, 'b0 # 00 0a 00'),
    protocolVector('[MQTT-2.2.1-6] Packet Identifier 0 in UNSUBACK', 5, 'b0 # 00 00 00 00'),
    protocolVector('[MQTT-3.11.3-2] no Reason Code', 5, 'b0 # 00 0a 00'),
    protocolVector('[MQTT-3.11.3-2] 0x01 is no Reason Code of UNSUBACK', 5, 'b0 # 00 0a 00 01'),
  ],
};
