/** Why a device is in its state. Stable: programs may compare it. */
export type DeviceStateReason =
  /** `start` was not called yet. */
  | 'not-started'
  /** `stop` was called. */
  | 'stopped'
  /** `start` was called. */
  | 'starting'
  /** The hub has accepted the device. */
  | 'accepted'
  /** No connection to the hub could be made. */
  | 'connect-failed'
  /** The connection broke. */
  | 'connection-lost'
  /** The hub says nothing; whether the connection still stands is being asked. */
  | 'hub-silent'
  /** The hub does not accept the device: its id, its token or its description. */
  | 'refused'
  /** Another device has connected with the same id. */
  | 'taken-over'
  /** The hub sent what the protocol does not know. */
  | 'protocol-error';

/** Whether a device can be reached through its hub now. A value: each change makes a new one. */
export type DeviceState = {
  /** `connecting`: trying now; `waiting`: until the next try; `offline`: not trying. */
  readonly status: 'offline' | 'connecting' | 'online' | 'waiting';
  readonly reason: DeviceStateReason;
  /** The reason for people, in one sentence. */
  readonly message: string;
  /** Since when; wall time, ms. */
  readonly since: number;
  /** Ms from `since` to the next try; 0 unless waiting. */
  readonly retryInMs: number;
};

/** What a link tells its device. */
export type StateChange = Omit<DeviceState, 'since' | 'retryInMs'> & { readonly retryInMs?: number };
