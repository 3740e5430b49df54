import { malformedVector, type Vectors } from './vector.ts';

/** Sections 3.12 and 3.13. */
export const PING: Vectors = {
  good: ([3, 4, 5] as const).flatMap((version) => [
    {
      name: `3.12 PINGREQ of version ${version}`,
      version,
      bytes: 'c0 00',
      packet: { type: 'pingreq' } as const,
    },
    {
      name: `3.13 PINGRESP of version ${version}`,
      version,
      bytes: 'd0 00',
      packet: { type: 'pingresp' } as const,
    },
  ]),
  bad: ([4, 5] as const).flatMap((version) => [
    malformedVector(`[MQTT-2.1.3-1] reserved flags of PINGREQ of version ${version}`, version, 'c1 00'),
    malformedVector(`[MQTT-2.1.3-1] reserved flags of PINGRESP of version ${version}`, version, 'd8 00'),
    malformedVector(`3.12 PINGREQ of version ${version} with a payload`, version, 'c0 01 00'),
    malformedVector(`3.13 PINGRESP of version ${version} with a payload`, version, 'd0 01 00'),
  ]),
};
