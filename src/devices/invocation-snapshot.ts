import type { ErrorCode } from '../base/errors.ts';

export type InvocationState = 'running' | 'completed' | 'failed' | 'cancelled';

/** An invocation as it was at one moment: itself, it goes on. */
export type InvocationSnapshot = {
  readonly id: string;
  readonly deviceId: string;
  readonly command: { readonly name: string };
  readonly state: InvocationState;
  /** Wall times in ms; 0 where the phase was not reached. */
  readonly acceptedAt: number;
  readonly sentAt: number;
  readonly deliveredAt: number;
  readonly answeredAt: number;
  /** Why it did not complete. */
  readonly code: ErrorCode | undefined;
};
