import { isWhole, parseObject } from './message-heads.ts';
import { MAX_FRAME_NUMBER } from './frame.ts';

/** What an agent says of itself, retained. */
export type Announcement = {
  /** Another one with each connection of the agent: requests of the earlier one are lost. */
  readonly epoch: string;
  /** Whether its target answers. */
  readonly isHealthy: boolean;
  /** It finishes what it has, and takes nothing new. */
  readonly isLeaving: boolean;
  /** Requests at once. */
  readonly maxInFlight: number;
  /** How many bytes of a request's body may be sent before the first CREDIT. */
  readonly creditBytes: number;
  readonly description?: string;
};

const ANNOUNCEMENT_VERSION = 1;
export const MAX_ANNOUNCEMENT_BYTES = 2048;
const MAX_DESCRIPTION_CHARACTERS = 256;
const EPOCH = /^[A-Za-z0-9_-]{1,64}$/;

export function encodeAnnouncement(announcement: Announcement): Buffer {
  return Buffer.from(JSON.stringify({ version: ANNOUNCEMENT_VERSION, ...announcement }));
}

/** Undefined when it is none, or of a version that is not known. */
export function decodeAnnouncement(payload: Uint8Array): Announcement | undefined {
  if (payload.length > MAX_ANNOUNCEMENT_BYTES) return undefined;
  const value = parseObject(payload);
  if (value === undefined || value['version'] !== ANNOUNCEMENT_VERSION) return undefined;
  const { epoch, isHealthy, isLeaving, maxInFlight, creditBytes, description } = value;
  const isGood =
    typeof epoch === 'string' &&
    EPOCH.test(epoch) &&
    typeof isHealthy === 'boolean' &&
    typeof isLeaving === 'boolean' &&
    isWhole(maxInFlight, 1, 1_000_000) &&
    isWhole(creditBytes, 1, MAX_FRAME_NUMBER) &&
    isDescription(description);
  if (!isGood) return undefined;
  const described = description === undefined ? {} : { description };
  return { epoch, isHealthy, isLeaving, maxInFlight, creditBytes, ...described };
}

function isDescription(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= MAX_DESCRIPTION_CHARACTERS);
}
