import type { ErrorCode, Issue } from '../base/errors.ts';

/** Why an invocation did not complete: a value, because it is expected to happen. */
export type Failure = {
  readonly code: ErrorCode;
  readonly message: string;
  /** Where the input does not fit, for `INPUT_INVALID`. */
  readonly issues?: readonly Issue[];
  /** What the device itself said, for `DEVICE_ERROR`. */
  readonly device?: DeviceFailure;
  /** Seconds after which another try makes sense. */
  readonly retryAfterSeconds?: number;
};

/** A device's own account of a failed command. */
export type DeviceFailure = {
  readonly code?: string;
  readonly message?: string;
  /** An HTTP status (400 to 599) that the device asked for. */
  readonly status?: number;
  /** What it sent beside, as it came. */
  readonly payload?: unknown;
};
