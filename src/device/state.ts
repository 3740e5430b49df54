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
  /** The machine is there, and nothing listens at the hub's port. */
  | 'hub-not-listening'
  /** There is no machine of that name. */
  | 'hub-unknown'
  /** The machine does not answer, or there is no way to it. */
  | 'hub-unreachable'
  /** No connection could be made for another reason, or no hub answered on it. */
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
