import { malformedVector, protocolVector, type BadVector, type GoodVector, type Vectors } from './vector.ts';

const PACKETS = [
  { type: 'puback', firstByte: '40', wrongFlags: '41', clause: '3.4', codes: '10', wrongCode: '92' },
  { type: 'pubrec', firstByte: '50', wrongFlags: '52', clause: '3.5', codes: '97', wrongCode: '81' },
  { type: 'pubrel', firstByte: '62', wrongFlags: '60', clause: '3.6', codes: '92', wrongCode: '10' },
  { type: 'pubcomp', firstByte: '70', wrongFlags: '72', clause: '3.7', codes: '92', wrongCode: '80' },
] as const;

/** Sections 3.4 to 3.7: the four are alike but for their Reason Codes and flags. */
export const ACKNOWLEDGEMENT: Vectors = {
  good: PACKETS.flatMap(({ type, firstByte, clause, codes }): readonly GoodVector[] => {
    const reasonCode = Number.parseInt(codes, 16) as 0x10 | 0x92 | 0x97;
    const success = { type, packetId: 10, reasonCode: 0x00, properties: {} } as const;
    return [
      {
        name: `${clause}.2 the short form is Success`,
        version: 5,
        bytes: `${firstByte} 02 00 0a`,
        packet: success,
      },
      {
        name: `${clause}.2.1 a Reason Code without properties`,
        version: 5,
        bytes: `${firstByte} 03 00 0a ${codes}`,
        packet: { ...success, reasonCode },
      },
      {
        name: `${clause}.2.1 Success written out`,
        version: 5,
        bytes: `${firstByte} 03 00 0a 00`,
        isLongForm: true,
        packet: success,
      },
      {
        name: `${clause}.2.2 a Property Length of 0 written out`,
        version: 5,
        bytes: `${firstByte} 04 00 0a ${codes} 00`,
        isLongForm: true,
        packet: { ...success, reasonCode },
      },
      {
        name: `${clause}.2.2 Reason String and User Properties`,
        version: 5,
        bytes: `${firstByte} 11 ff ff 00 0d 1f 00 03 'why' 26 00 01 'k' 00 01 'v'`,
        packet: {
          type,
          packetId: 65_535,
          reasonCode: 0x00,
          properties: { reasonString: 'why', userProperties: [['k', 'v']] },
        },
      },
      {
        name: `[v3.1.1 ${clause}.2] the Packet Identifier is all`,
        version: 4,
        bytes: `${firstByte} 02 00 0a`,
        packet: success,
      },
      {
        name: `MQTT 3.1: flags of ${type} say nothing`,
        version: 3,
        bytes: `${firstByte[0]}a 02 00 0a`,
        isLongForm: true,
        packet: success,
      },
    ];
  }),
  bad: PACKETS.flatMap(({ type, firstByte, wrongFlags, clause, wrongCode }): readonly BadVector[] => [
    malformedVector(
      type === 'pubrel' ? '[MQTT-3.6.1-1] reserved flags' : `[MQTT-2.1.3-1] reserved flags of ${type}`,
      5,
      `${wrongFlags} # 00 0a`,
    ),
    malformedVector(`[v3.1.1 MQTT-2.2.2-2] reserved flags of ${type}`, 4, `${wrongFlags} # 00 0a`),
    malformedVector(`${clause}.2 no Packet Identifier`, 5, `${firstByte} 00`),
    malformedVector(`${clause}.2 half a Packet Identifier`, 4, `${firstByte} # 0a`),
    malformedVector(`${clause}.3 a payload`, 5, `${firstByte} # 00 0a 00 00 00`),
    malformedVector(`[v3.1.1 ${clause}.3] a payload`, 4, `${firstByte} # 00 0a 00`),
    malformedVector(
      `2.2.2.2 Server Reference does not belong in ${type}`,
      5,
      `${firstByte} # 00 0a 00 04 1c 00 01 's'`,
    ),
    malformedVector(
      `[MQTT-1.5.4-1] Reason String of ${type} is not UTF-8`,
      5,
      `${firstByte} # 00 0a 00 04 1f 00 01 ff`,
    ),
    protocolVector(`[MQTT-2.2.1-5] Packet Identifier 0 in ${type}`, 5, `${firstByte} # 00 00`),
    protocolVector(`[v3.1.1 MQTT-2.3.1-1] Packet Identifier 0 in ${type}`, 4, `${firstByte} # 00 00`),
    protocolVector(
      `[MQTT-${clause}.2-1] 0x${wrongCode} is no Reason Code of ${type}`,
      5,
      `${firstByte} # 00 0a ${wrongCode}`,
    ),
    protocolVector(`[MQTT-${clause}.2-1] 0x03 is no Reason Code`, 5, `${firstByte} # 00 0a 03`),
    protocolVector(
      `${clause}.2.2.2 Reason String twice`,
      5,
      `${firstByte} # 00 0a 00 08 1f 00 01 'a' 1f 00 01 'b'`,
    ),
  ]),
};
