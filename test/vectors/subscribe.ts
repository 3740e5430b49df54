import { malformedVector, protocolVector, type Vectors } from './vector.ts';

const PLAIN = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

/** Sections 3.8 and 3.9. */
export const SUBSCRIBE: Vectors = {
  good: [
    {
      name: "3.8.3 the standard's own example: a/b at QoS 1, c/d at QoS 2, Packet Identifier 10",
      version: 5,
      bytes: "82 0f 00 0a 00 00 03 'a/b' 01 00 03 'c/d' 02",
      packet: {
        type: 'subscribe',
        packetId: 10,
        properties: {},
        subscriptions: [
          { topicFilter: 'a/b', qos: 1, ...PLAIN },
          { topicFilter: 'c/d', qos: 2, ...PLAIN },
        ],
      },
    },
    {
      name: '3.8.3.1 every Subscription Option',
      version: 5,
      bytes: "82 0f 00 0a 00 00 01 '#' 2c 00 01 '+' 14 00 01 'a' 08",
      packet: {
        type: 'subscribe',
        packetId: 10,
        properties: {},
        subscriptions: [
          { topicFilter: '#', qos: 0, noLocal: true, retainAsPublished: true, retainHandling: 2 },
          { topicFilter: '+', qos: 0, noLocal: true, retainAsPublished: false, retainHandling: 1 },
          { topicFilter: 'a', qos: 0, noLocal: false, retainAsPublished: true, retainHandling: 0 },
        ],
      },
    },
    {
      name: '3.8.2.1 a Subscription Identifier and User Properties',
      version: 5,
      bytes: "82 14 00 0a 0d 0b ff ff ff 7f 26 00 01 'k' 00 02 'v1' 00 01 'a' 00",
      packet: {
        type: 'subscribe',
        packetId: 10,
        properties: { subscriptionIdentifier: 268_435_455, userProperties: [['k', 'v1']] },
        subscriptions: [{ topicFilter: 'a', qos: 0, ...PLAIN }],
      },
    },
    {
      name: '[MQTT-3.8.3-4] No Local on a Shared Subscription is for the server to refuse',
      version: 5,
      bytes: "82 10 00 0a 00 00 0a '$share/g/a' 04",
      packet: {
        type: 'subscribe',
        packetId: 10,
        properties: {},
        subscriptions: [{ ...PLAIN, topicFilter: '$share/g/a', qos: 0, noLocal: true }],
      },
    },
    {
      name: "[v3.1.1 3.8.3] the standard's own example",
      version: 4,
      bytes: "82 0e 00 0a 00 03 'a/b' 01 00 03 'c/d' 02",
      packet: {
        type: 'subscribe',
        packetId: 10,
        properties: {},
        subscriptions: [
          { topicFilter: 'a/b', qos: 1, ...PLAIN },
          { topicFilter: 'c/d', qos: 2, ...PLAIN },
        ],
      },
    },
    {
      name: 'MQTT 3.1: DUP, and bits beside the QoS that say nothing',
      version: 3,
      bytes: "8a 08 00 0a 00 03 'a/b' fd",
      isLongForm: true,
      packet: {
        type: 'subscribe',
        packetId: 10,
        properties: {},
        subscriptions: [{ topicFilter: 'a/b', qos: 1, ...PLAIN }],
      },
    },
    {
      name: '3.9.3 granted and refused, in order',
      version: 5,
      bytes: '90 06 00 0a 00 02 00 87',
      packet: { type: 'suback', packetId: 10, properties: {}, reasonCodes: [0x02, 0x00, 0x87] },
    },
    {
      name: '3.9.2.1 Reason String and User Properties',
      version: 5,
      bytes: "90 12 00 0a 0e 1f 00 03 'why' 26 00 01 'k' 00 02 'v1' 00",
      packet: {
        type: 'suback',
        packetId: 10,
        properties: { reasonString: 'why', userProperties: [['k', 'v1']] },
        reasonCodes: [0x00],
      },
    },
    {
      name: "[v3.1.1 3.9.3] the standard's own example: QoS 0, QoS 2, failure",
      version: 4,
      bytes: '90 05 00 0a 00 02 80',
      packet: { type: 'suback', packetId: 10, properties: {}, reasonCodes: [0x00, 0x02, 0x80] },
    },
    {
      name: 'MQTT 3.1 section 3.9: granted QoS',
      version: 3,
      bytes: '90 04 00 0a 01 02',
      packet: { type: 'suback', packetId: 10, properties: {}, reasonCodes: [0x01, 0x02] },
    },
  ],
  bad: [
    malformedVector('[MQTT-3.8.1-1] flags 0000', 5, "80 # 00 0a 00 00 01 'a' 00"),
    malformedVector('[MQTT-3.8.1-1] flags 0011', 5, "83 # 00 0a 00 00 01 'a' 00"),
    malformedVector('[v3.1.1 MQTT-3.8.1-1] flags 1010', 4, "8a # 00 0a 00 01 'a' 00"),
    malformedVector('[MQTT-3.8.3-1] a Topic Filter that is not UTF-8', 5, '82 # 00 0a 00 00 01 ff 00'),
    malformedVector('3.8.3 no Subscription Options', 5, "82 # 00 0a 00 00 01 'a'"),
    malformedVector('[MQTT-3.8.3-5] reserved bit 6', 5, "82 # 00 0a 00 00 01 'a' 40"),
    malformedVector('[MQTT-3.8.3-5] reserved bit 7', 5, "82 # 00 0a 00 00 01 'a' 80"),
    malformedVector('[v3.1.1 MQTT-3-8.3-4] a reserved bit', 4, "82 # 00 0a 00 01 'a' 04"),
    malformedVector('[v3.1.1 MQTT-3-8.3-4] QoS 3', 4, "82 # 00 0a 00 01 'a' 03"),
    malformedVector('MQTT 3.1: QoS 3', 3, "82 # 00 0a 00 01 'a' 03"),
    malformedVector('[MQTT-2.2.2-1] no Property Length', 5, '82 # 00 0a'),
    malformedVector('2.2.2.2 Reason String does not belong', 5, "82 # 00 0a 04 1f 00 01 'r' 00 01 'a' 00"),
    protocolVector('[MQTT-2.2.1-3] Packet Identifier 0', 5, "82 # 00 00 00 00 01 'a' 00"),
    protocolVector('[v3.1.1 MQTT-2.3.1-1] Packet Identifier 0', 4, "82 # 00 00 00 01 'a' 00"),
    protocolVector('[MQTT-3.8.3-2] no Topic Filter', 5, '82 # 00 0a 00'),
    protocolVector('[v3.1.1 MQTT-3.8.3-3] no Topic Filter', 4, '82 # 00 0a'),
    protocolVector('3.8.2.1.2 Subscription Identifier 0', 5, "82 # 00 0a 02 0b 00 00 01 'a' 00"),
    protocolVector('3.8.2.1.2 Subscription Identifier twice', 5, "82 # 00 0a 04 0b 01 0b 02 00 01 'a' 00"),
    protocolVector('3.8.3.1 Maximum QoS 3', 5, "82 # 00 0a 00 00 01 'a' 03"),
    protocolVector('3.8.3.1 Retain Handling 3', 5, "82 # 00 0a 00 00 01 'a' 30"),
    malformedVector('[MQTT-2.1.3-1] reserved flags of SUBACK', 5, '92 # 00 0a 00 00'),
    protocolVector('[MQTT-2.2.1-6] Packet Identifier 0 in SUBACK', 5, '90 # 00 00 00 00'),
    protocolVector('[MQTT-3.8.4-6] no Reason Code', 5, '90 # 00 0a 00'),
    protocolVector('[v3.1.1 MQTT-3.8.4-5] no return code', 4, '90 # 00 0a'),
    protocolVector('[MQTT-3.9.3-2] 0x03 is no Reason Code of SUBACK', 5, '90 # 00 0a 00 03'),
    protocolVector('[MQTT-3.9.3-2] 0x11 is no Reason Code of SUBACK', 5, '90 # 00 0a 00 00 11'),
    protocolVector('[v3.1.1 MQTT-3.9.3-2] 0x87 is no return code', 4, '90 # 00 0a 87'),
    protocolVector('MQTT 3.1 has no failure', 3, '90 # 00 0a 80'),
  ],
};
