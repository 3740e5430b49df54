import { ascii, malformedVector, protocolVector, type Vectors } from './vector.ts';

/** Section 3.15. */
export const AUTH: Vectors = {
  good: [
    {
      name: '3.15.2.1 nothing at all is Success',
      version: 5,
      bytes: 'f0 00',
      packet: { type: 'auth', reasonCode: 0x00, properties: {} },
    },
    {
      name: '3.15.2.2 Continue authentication with method and data',
      version: 5,
      bytes: "f0 0c 18 0a 15 00 03 'xyz' 16 00 01 'd'",
      packet: {
        type: 'auth',
        reasonCode: 0x18,
        properties: { authenticationMethod: 'xyz', authenticationData: ascii('d') },
      },
    },
    {
      name: '3.15.2.2 Re-authenticate with every property of AUTH',
      version: 5,
      bytes: "f0 18 19 16 15 00 01 'm' 16 00 02 00 ff 1f 00 03 'why' 26 00 01 'k' 00 01 'v'",
      packet: {
        type: 'auth',
        reasonCode: 0x19,
        properties: {
          authenticationMethod: 'm',
          authenticationData: Uint8Array.of(0, 0xff),
          reasonString: 'why',
          userProperties: [['k', 'v']],
        },
      },
    },
  ],
  bad: [
    malformedVector('[MQTT-3.15.1-1] reserved flags', 5, 'f2 00'),
    malformedVector('3.15.2.2.1 no Property Length', 5, 'f0 # 18'),
    malformedVector('3.15.3 a payload', 5, "f0 # 18 04 15 00 01 'm' 00"),
    malformedVector('2.2.2.2 Server Reference does not belong', 5, "f0 # 18 08 15 00 01 'm' 1c 00 01 's'"),
    malformedVector('[v3.1.1 2.2.1] there is no AUTH', 4, "f0 # 18 04 15 00 01 'm'"),
    malformedVector('MQTT 3.1: there is no AUTH', 3, 'f0 00'),
    protocolVector('[MQTT-3.15.2-1] 0x04 is no Reason Code of AUTH', 5, "f0 # 04 04 15 00 01 'm'"),
    protocolVector('3.15.2.2.2 no Authentication Method', 5, "f0 # 18 04 16 00 01 'd'"),
    protocolVector('3.15.2.2.2 no Authentication Method, Success written out', 5, 'f0 # 00 00'),
    protocolVector('3.15.2.2.2 Authentication Method twice', 5, "f0 # 18 08 15 00 01 'm' 15 00 01 'm'"),
    protocolVector('3.15.2.2.3 Authentication Data twice', 5, "f0 # 18 0a 15 00 01 'm' 16 00 00 16 00 00"),
  ],
};
