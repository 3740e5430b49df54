import { malformedVector, protocolVector, type Vectors } from './vector.ts';

/** Section 3.14. */
export const DISCONNECT: Vectors = {
  good: [
    {
      name: '3.14.2.1 nothing at all is a normal disconnection',
      version: 5,
      bytes: 'e0 00',
      packet: { type: 'disconnect', reasonCode: 0x00, properties: {} },
    },
    {
      name: '3.14.2.1 a Reason Code without properties',
      version: 5,
      bytes: 'e0 01 04',
      packet: { type: 'disconnect', reasonCode: 0x04, properties: {} },
    },
    {
      name: '3.14.2.1 a normal disconnection written out',
      version: 5,
      bytes: 'e0 02 00 00',
      isLongForm: true,
      packet: { type: 'disconnect', reasonCode: 0x00, properties: {} },
    },
    {
      name: '3.14.2.2 every property of DISCONNECT',
      version: 5,
      bytes: "e0 18 9d 16 11 00 00 00 0a 1c 00 01 's' 1f 00 03 'why' 26 00 01 'k' 00 01 'v'",
      packet: {
        type: 'disconnect',
        reasonCode: 0x9d,
        properties: {
          sessionExpiryInterval: 10,
          serverReference: 's',
          reasonString: 'why',
          userProperties: [['k', 'v']],
        },
      },
    },
    {
      name: '[v3.1.1 3.14] nothing but a Fixed Header',
      version: 4,
      bytes: 'e0 00',
      packet: { type: 'disconnect', reasonCode: 0x00, properties: {} },
    },
    {
      name: 'MQTT 3.1 section 3.14: flags say nothing',
      version: 3,
      bytes: 'e1 00',
      isLongForm: true,
      packet: { type: 'disconnect', reasonCode: 0x00, properties: {} },
    },
  ],
  bad: [
    malformedVector('[MQTT-3.14.1-1] reserved flags', 5, 'e1 00'),
    malformedVector('[v3.1.1 MQTT-3.14.1-1] reserved flags', 4, 'e2 00'),
    malformedVector('3.14.3 a payload', 5, 'e0 # 00 00 00'),
    malformedVector('[v3.1.1 3.14.3] a payload', 4, 'e0 # 00'),
    malformedVector('2.2.2.2 Receive Maximum does not belong', 5, 'e0 # 00 03 21 00 01'),
    protocolVector('[MQTT-3.14.2-1] 0x84 is no Reason Code of DISCONNECT', 5, 'e0 # 84'),
    protocolVector('[MQTT-3.14.2-1] 0x01 is no Reason Code of DISCONNECT', 5, 'e0 # 01'),
    protocolVector('3.14.2.2.2 Session Expiry Interval twice', 5, 'e0 # 00 0a 11 00 00 00 01 11 00 00 00 01'),
    protocolVector('3.14.2.2.5 Server Reference twice', 5, "e0 # 9c 08 1c 00 01 's' 1c 00 01 't'"),
  ],
};
