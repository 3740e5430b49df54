import { fail, succeed, type Result } from '../../base/result.ts';
import { isWhole, parseObject } from './message-heads.ts';
import { MAX_FRAME_NUMBER } from './frame.ts';

/** What an agent says of itself, retained. */
export type Announcement = {
  /** Another one with each connection of the agent: requests of the earlier one are lost. */
  readonly epoch: number;
  /** Whether its target answers. */
  readonly isHealthy: boolean;
  /** It finishes what it has, and takes nothing new. */
  readonly isLeaving: boolean;
  /** Requests at once. */
  readonly maxInFlight: number;
  /** How many bytes of a request's body may be sent before the first CREDIT. */
  readonly creditBytes: number;
  /** Of a request's head. */
  readonly maxHeadBytes: number;
  readonly description?: string;
};

/** Why an announcement is of no use: the version that it names; undefined when it is none. */
type AnnouncementFault = { readonly version: number | undefined };

/** Of the protocol: whoever speaks another one is not understood. */
export const SERVICE_PROTOCOL_VERSION = 2;
export const MAX_ANNOUNCEMENT_BYTES = 2048;
const MAX_DESCRIPTION_CHARACTERS = 256;

export function encodeAnnouncement(announcement: Announcement): Buffer {
  return Buffer.from(JSON.stringify({ version: SERVICE_PROTOCOL_VERSION, ...announcement }));
}

export function decodeAnnouncement(payload: Uint8Array): Result<Announcement, AnnouncementFault> {
  const value = payload.length > MAX_ANNOUNCEMENT_BYTES ? undefined : parseObject(payload);
  const version = value?.['version'];
  if (value === undefined || version !== SERVICE_PROTOCOL_VERSION)
    return fail({ version: isWhole(version, 1, MAX_FRAME_NUMBER) ? version : undefined });
  const { epoch, isHealthy, isLeaving, maxInFlight, creditBytes, maxHeadBytes, description } = value;
  const isGood =
    isWhole(epoch, 1, MAX_FRAME_NUMBER) &&
    typeof isHealthy === 'boolean' &&
    typeof isLeaving === 'boolean' &&
    isWhole(maxInFlight, 1, 1_000_000) &&
    isWhole(creditBytes, 1, MAX_FRAME_NUMBER) &&
    isWhole(maxHeadBytes, 1, MAX_FRAME_NUMBER) &&
    isDescription(description);
  if (!isGood) return fail({ version: undefined });
  const described = description === undefined ? {} : { description };
  return succeed({ epoch, isHealthy, isLeaving, maxInFlight, creditBytes, maxHeadBytes, ...described });
}

function isDescription(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= MAX_DESCRIPTION_CHARACTERS);
}
