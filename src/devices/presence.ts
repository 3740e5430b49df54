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
