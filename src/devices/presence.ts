/** Why a device came, or went. Stable: programs may compare it. */
export const PRESENCE_REASONS = [
  'connected',
  'reconnected',
  'taken-over',
  'disconnected',
  'connection-failed',
  'keep-alive-timeout',
  'answer-timeout',
  'protocol-error',
  'access-lost',
  'hub-stopping',
  'hub-restarted',
] as const;

export type PresenceReason = (typeof PRESENCE_REASONS)[number];

/** Whether a device can be reached now. A value: each change makes a new one. */
export type Presence = {
  readonly status: 'online' | 'offline';
  /** Grows by one with each change, so that two observations can be ordered. */
  readonly sequence: number;
  readonly reason: PresenceReason;
  /** When it became so; wall time, ms. */
  readonly since: number;
};

/** The presence after a change at `now` (wall time, ms). */
export function nextPresence(
  before: Presence | undefined,
  change: { status: Presence['status']; reason: PresenceReason; now: number },
): Presence {
  return {
    status: change.status,
    sequence: (before?.sequence ?? 0) + 1,
    reason: change.reason,
    since: change.now,
  };
}

/** More than one device's presence changes between two commits of a store. */
const SEQUENCE_GAP = 1000;

/**
 * The presence of a device that was known before the hub was started. The last changes may not have been stored, so the
 * sequence goes on well above what was.
 */
export function presenceAfterRestart(before: Presence, now: number): Presence {
  const sequence = before.sequence + SEQUENCE_GAP;
  if (before.status === 'offline') return { ...before, sequence };
  return { status: 'offline', sequence, reason: 'hub-restarted', since: now };
}
