import { ascii, malformedVector, protocolVector, type Vectors } from './vector.ts';

/** What a CONNECT without anything optional is. */
const BARE = {
  type: 'connect',
  protocolVersion: 5,
  cleanStart: false,
  keepAlive: 0,
  properties: {},
  clientId: '',
  willMessage: undefined,
  userName: undefined,
  password: undefined,
} as const;

const WILL = { topicName: 'w', payload: ascii('gone'), qos: 1, retain: false, properties: {} } as const;

/** Section 3.1. */
export const CONNECT: Vectors = {
  good: [
    {
      name: "3.1.2 the standard's own example (figure 3.6): flags CE, Keep Alive 10, Session Expiry 10",
      version: 5,
      bytes:
        "10 24 00 04 'MQTT' 05 ce 00 0a 05 11 00 00 00 0a 00 01 'c' 00 00 01 'w' 00 04 'gone' 00 01 'u' 00 02 'pw'",
      packet: {
        ...BARE,
        cleanStart: true,
        keepAlive: 10,
        properties: { sessionExpiryInterval: 10 },
        clientId: 'c',
        willMessage: WILL,
        userName: 'u',
        password: ascii('pw'),
      },
    },
    {
      name: '[MQTT-3.1.3-6] an empty Client Identifier is given up to the server',
      version: 5,
      bytes: "10 0d 00 04 'MQTT' 05 00 00 00 00 00 00",
      packet: BARE,
    },
    {
      name: '3.1.2.11 every property of CONNECT',
      version: 5,
      bytes: `10 32 00 04 'MQTT' 05 02 ff ff 24 11 ff ff ff ff 15 00 01 'm' 16 00 02 00 ff 17 00 19 01
        21 00 01 22 ff ff 26 00 01 'k' 00 01 'v' 27 00 00 00 01 00 01 'c'`,
      packet: {
        ...BARE,
        cleanStart: true,
        keepAlive: 65_535,
        clientId: 'c',
        properties: {
          sessionExpiryInterval: 0xffff_ffff,
          authenticationMethod: 'm',
          authenticationData: Uint8Array.of(0, 0xff),
          requestProblemInformation: false,
          requestResponseInformation: true,
          receiveMaximum: 1,
          topicAliasMaximum: 65_535,
          userProperties: [['k', 'v']],
          maximumPacketSize: 1,
        },
      },
    },
    {
      name: '3.1.3.2 every property of a Will',
      version: 5,
      bytes: `10 3a 00 04 'MQTT' 05 34 00 00 00 00 00 25 01 01 02 00 00 00 3c 03 00 01 't' 08 00 03 'r/t' 09 00 01 ff
        18 00 00 00 05 26 00 01 'k' 00 00 26 00 00 00 00 00 01 'w' 00 02 00 ff`,
      packet: {
        ...BARE,
        willMessage: {
          topicName: 'w',
          payload: Uint8Array.of(0, 0xff),
          qos: 2,
          retain: true,
          properties: {
            payloadFormatIndicator: 1,
            messageExpiryInterval: 60,
            contentType: 't',
            responseTopic: 'r/t',
            correlationData: Uint8Array.of(0xff),
            willDelayInterval: 5,
            userProperties: [
              ['k', ''],
              ['', ''],
            ],
          },
        },
      },
    },
    {
      name: '3.1.2.9 a password without a user name',
      version: 5,
      bytes: "10 10 00 04 'MQTT' 05 40 00 00 00 00 00 00 01 'p'",
      packet: { ...BARE, password: ascii('p') },
    },
    {
      name: '[v3.1.1 MQTT-3.1.2-6] Clean Session 1 is Clean Start and an expiry of 0',
      version: 4,
      bytes: "10 0d 00 04 'MQTT' 04 02 00 3c 00 01 'c'",
      packet: {
        ...BARE,
        protocolVersion: 4,
        cleanStart: true,
        keepAlive: 60,
        clientId: 'c',
        properties: { sessionExpiryInterval: 0 },
      },
    },
    {
      name: '[v3.1.1 MQTT-3.1.2-4] Clean Session 0 is no Clean Start and no expiry',
      version: 4,
      bytes: "10 1b 00 04 'MQTT' 04 e4 00 3c 00 01 'c' 00 01 'w' 00 04 'gone' 00 01 'u' 00 00",
      packet: {
        ...BARE,
        protocolVersion: 4,
        keepAlive: 60,
        clientId: 'c',
        properties: { sessionExpiryInterval: 0xffff_ffff },
        willMessage: { ...WILL, qos: 0, retain: true },
        userName: 'u',
        password: new Uint8Array(),
      },
    },
    {
      name: 'MQTT 3.1 is MQIsdp of level 3',
      version: 3,
      bytes: "10 0f 00 06 'MQIsdp' 03 02 00 3c 00 01 'c'",
      packet: {
        ...BARE,
        protocolVersion: 3,
        cleanStart: true,
        keepAlive: 60,
        clientId: 'c',
        properties: { sessionExpiryInterval: 0 },
      },
    },
    ...([3, 4] as const).map((version) => ({
      name: `a broker says by bit 7 of the level that it is one, version ${version}`,
      version,
      bytes:
        version === 3
          ? "10 0f 00 06 'MQIsdp' 83 02 00 3c 00 01 'c'"
          : "10 0d 00 04 'MQTT' 84 02 00 3c 00 01 'c'",
      packet: {
        ...BARE,
        protocolVersion: version,
        isBroker: true as const,
        cleanStart: true,
        keepAlive: 60,
        clientId: 'c',
        properties: { sessionExpiryInterval: 0 },
      },
    })),
    {
      name: 'MQTT 3.1 section 3.1: the Remaining Length takes precedence over the User Name flag',
      version: 3,
      bytes: "10 0f 00 06 'MQIsdp' 03 c2 00 3c 00 01 'c'",
      isLongForm: true,
      packet: {
        ...BARE,
        protocolVersion: 3,
        cleanStart: true,
        keepAlive: 60,
        clientId: 'c',
        properties: { sessionExpiryInterval: 0 },
      },
    },
    {
      name: 'MQTT 3.1 disregards the reserved flag, and QoS and Retain of a Will that is not there',
      version: 3,
      bytes: "1f 0f 00 06 'MQIsdp' 03 3b 00 3c 00 01 'c'",
      isLongForm: true,
      packet: {
        ...BARE,
        protocolVersion: 3,
        cleanStart: true,
        keepAlive: 60,
        clientId: 'c',
        properties: { sessionExpiryInterval: 0 },
      },
    },
  ],
  bad: [
    ...[
      ['[MQTT-3.1.2-1] another Protocol Name', "10 # 00 04 'mqtt' 05 00 00 00 00 00 00"],
      ['[MQTT-3.1.2-1] MQIsdp of level 5', "10 # 00 06 'MQIsdp' 05 00 00 00 00 00 00"],
      ['[MQTT-3.1.2-1] MQTT of level 3', "10 # 00 04 'MQTT' 03 00 00 00 00 00"],
      ['[MQTT-3.1.2-1] an empty Protocol Name', '10 # 00 00 05 00 00 00 00 00 00'],
      ['level 5 with bit 7', "10 # 00 04 'MQTT' 85 00 00 00 00 00 00"],
      ['[MQTT-3.1.2-2] level 6', "10 # 00 04 'MQTT' 06 00 00 00 00 00 00"],
      ['[v3.1.1 MQTT-3.1.2-2] level 0', "10 # 00 04 'MQTT' 00 00 00 00 00 00"],
    ].map(([name = '', bytes = '']) => ({
      name,
      version: 5 as const,
      bytes,
      code: 'MQTT_UNSUPPORTED_PROTOCOL_VERSION' as const,
    })),
    malformedVector('[MQTT-2.1.3-1] reserved flags', 5, "11 # 00 04 'MQTT' 05 00 00 00 00 00 00"),
    malformedVector('[v3.1.1 MQTT-2.2.2-2] reserved flags', 4, "18 # 00 04 'MQTT' 04 02 00 00 00 00"),
    malformedVector('[MQTT-3.1.2-3] the reserved Connect Flag', 5, "10 # 00 04 'MQTT' 05 01 00 00 00 00 00"),
    malformedVector(
      '[v3.1.1 MQTT-3.1.2-3] the reserved Connect Flag',
      4,
      "10 # 00 04 'MQTT' 04 03 00 00 00 00",
    ),
    malformedVector('[MQTT-3.1.2-9] a Will Flag without Will', 5, "10 # 00 04 'MQTT' 05 04 00 00 00 00 00"),
    malformedVector('[MQTT-3.1.2-11] Will QoS without Will', 5, "10 # 00 04 'MQTT' 05 08 00 00 00 00 00"),
    malformedVector('[v3.1.1 MQTT-3.1.2-13] Will QoS without Will', 4, "10 # 00 04 'MQTT' 04 0a 00 00 00 00"),
    malformedVector(
      '[MQTT-3.1.2-12] Will QoS 3',
      5,
      "10 # 00 04 'MQTT' 05 1c 00 00 00 00 00 00 00 01 'w' 00 00",
    ),
    malformedVector(
      '[v3.1.1 MQTT-3.1.2-14] Will QoS 3',
      4,
      "10 # 00 04 'MQTT' 04 1e 00 00 00 00 00 01 'w' 00 00",
    ),
    malformedVector('MQTT 3.1: Will QoS 3', 3, "10 # 00 06 'MQIsdp' 03 1e 00 00 00 01 'c' 00 01 'w' 00 00"),
    malformedVector('[MQTT-3.1.2-13] Will Retain without Will', 5, "10 # 00 04 'MQTT' 05 20 00 00 00 00 00"),
    malformedVector(
      '[v3.1.1 MQTT-3.1.2-15] Will Retain without Will',
      4,
      "10 # 00 04 'MQTT' 04 22 00 00 00 00",
    ),
    malformedVector(
      '[MQTT-3.1.2-16] a user name that no flag tells of',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 00 00 00 00 01 'u'",
    ),
    malformedVector(
      '[MQTT-3.1.2-17] a User Name Flag without user name',
      5,
      "10 # 00 04 'MQTT' 05 80 00 00 00 00 00",
    ),
    malformedVector(
      '[v3.1.1 MQTT-3.1.2-19] a User Name Flag without user name',
      4,
      "10 # 00 04 'MQTT' 04 82 00 00 00 00",
    ),
    malformedVector(
      '[MQTT-3.1.2-18] a password that no flag tells of',
      5,
      "10 # 00 04 'MQTT' 05 80 00 00 00 00 00 00 01 'u' 00 01 'p'",
    ),
    malformedVector(
      '[MQTT-3.1.2-19] a Password Flag without password',
      5,
      "10 # 00 04 'MQTT' 05 c0 00 00 00 00 00 00 01 'u'",
    ),
    malformedVector(
      '[v3.1.1 MQTT-3.1.2-22] a password without user name',
      4,
      "10 # 00 04 'MQTT' 04 42 00 00 00 01 'c' 00 01 'p'",
    ),
    malformedVector(
      'MQTT 3.1: a password without user name',
      3,
      "10 # 00 06 'MQIsdp' 03 42 00 00 00 01 'c' 00 01 'p'",
    ),
    malformedVector('[MQTT-3.1.3-3] no Client Identifier', 5, "10 # 00 04 'MQTT' 05 00 00 00 00"),
    malformedVector(
      '[MQTT-3.1.3-4] a Client Identifier that is not UTF-8',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 00 00 01 ff",
    ),
    malformedVector(
      '[MQTT-3.1.3-11] a Will Topic that is not UTF-8',
      5,
      "10 # 00 04 'MQTT' 05 04 00 00 00 00 00 00 00 01 ff 00 00",
    ),
    malformedVector(
      '[MQTT-3.1.3-12] a user name that is not UTF-8',
      5,
      "10 # 00 04 'MQTT' 05 80 00 00 00 00 00 00 01 ff",
    ),
    malformedVector('[MQTT-3.1.4-1] bytes left over', 5, "10 # 00 04 'MQTT' 05 00 00 00 00 00 00 00"),
    malformedVector('[v3.1.1 MQTT-3.1.4-1] bytes left over', 4, "10 # 00 04 'MQTT' 04 02 00 00 00 00 00"),
    malformedVector('[MQTT-3.1.4-1] nothing at all', 5, '10 00'),
    malformedVector(
      '2.2.2.2 Topic Alias does not belong in CONNECT',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 03 23 00 01 00 00",
    ),
    malformedVector(
      '2.2.2.2 Session Expiry Interval does not belong in a Will',
      5,
      "10 # 00 04 'MQTT' 05 04 00 00 00 00 00 05 11 00 00 00 01 00 01 'w' 00 00",
    ),
    protocolVector(
      '3.1.2.11.2 Session Expiry Interval twice',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 0a 11 00 00 00 01 11 00 00 00 01 00 00",
    ),
    protocolVector('3.1.2.11.3 Receive Maximum 0', 5, "10 # 00 04 'MQTT' 05 00 00 00 03 21 00 00 00 00"),
    protocolVector(
      '3.1.2.11.3 Receive Maximum twice',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 06 21 00 01 21 00 01 00 00",
    ),
    protocolVector(
      '3.1.2.11.4 Maximum Packet Size 0',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 05 27 00 00 00 00 00 00",
    ),
    protocolVector(
      '3.1.2.11.5 Topic Alias Maximum twice',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 06 22 00 01 22 00 01 00 00",
    ),
    protocolVector(
      '3.1.2.11.6 Request Response Information 2',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 02 19 02 00 00",
    ),
    protocolVector(
      '3.1.2.11.6 Request Response Information twice',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 04 19 01 19 01 00 00",
    ),
    protocolVector(
      '3.1.2.11.7 Request Problem Information 2',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 02 17 02 00 00",
    ),
    protocolVector(
      '3.1.2.11.9 Authentication Method twice',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 08 15 00 01 'm' 15 00 01 'm' 00 00",
    ),
    protocolVector(
      '3.1.2.11.10 Authentication Data without method',
      5,
      "10 # 00 04 'MQTT' 05 00 00 00 04 16 00 01 'd' 00 00",
    ),
    protocolVector(
      '3.1.3.2.2 Will Delay Interval twice',
      5,
      "10 # 00 04 'MQTT' 05 04 00 00 00 00 00 0a 18 00 00 00 01 18 00 00 00 01 00 01 'w' 00 00",
    ),
    protocolVector(
      '3.1.3.2.3 Payload Format Indicator 2',
      5,
      "10 # 00 04 'MQTT' 05 04 00 00 00 00 00 02 01 02 00 01 'w' 00 00",
    ),
    protocolVector(
      '[MQTT-3.3.2-14] a wildcard in the Response Topic of a Will',
      5,
      "10 # 00 04 'MQTT' 05 04 00 00 00 00 00 06 08 00 03 'r/#' 00 01 'w' 00 00",
    ),
  ],
};
