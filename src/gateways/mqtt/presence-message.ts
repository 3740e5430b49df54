import { isJsonObject, parseJson } from '../../base/json.ts';

/** What a device says of its presence: the word, or `{state, reason?, hub?, epoch?}`. */
export type PresenceMessage = {
  readonly state: 'online' | 'offline';
  /** One of `PRESENCE_REASONS`, or anything else. */
  readonly reason?: string;
  /** The hub that says it, where it is one that shows its own devices. */
  readonly hub?: string;
  /** Tells one connection of the device from the next: `offline` counts only for the one that it is of. */
  readonly epoch?: string;
};

const MAX_PRESENCE_BYTES = 4096;

/** Undefined when it says neither. */
export function readPresenceMessage(payload: Uint8Array): PresenceMessage | undefined {
  if (payload.length > MAX_PRESENCE_BYTES) return undefined;
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString().trim();
  if (isState(text)) return { state: text };
  const value = parseJson(text);
  if (isState(value)) return { state: value };
  if (!isJsonObject(value) || !isState(value['state'])) return undefined;
  const { state, reason, hub, epoch } = value;
  return {
    state,
    ...(typeof reason === 'string' && { reason }),
    ...(typeof hub === 'string' && { hub }),
    ...((typeof epoch === 'string' || typeof epoch === 'number') && { epoch: String(epoch) }),
  };
}

function isState(value: unknown): value is 'online' | 'offline' {
  return value === 'online' || value === 'offline';
}
