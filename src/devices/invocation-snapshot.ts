import type { ErrorCode } from '../base/errors.ts';
import type { Failure } from './failure.ts';

/** `queued`: it lasts, and waits for its device. The last three are ends. */
export const INVOCATION_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type InvocationState = (typeof INVOCATION_STATES)[number];

/** How far an invocation came. Each phase is proof: of the queue, the socket, the protocol, the device. */
export type InvocationPhase = 'accepted' | 'sent' | 'delivered' | 'answered';

/** An invocation as it was at one moment: itself, it goes on. */
export type InvocationSnapshot = {
  /** Ids sort in the order of acceptance, also across restarts. */
  readonly id: string;
  readonly deviceId: string;
  readonly command: { readonly name: string };
  readonly state: InvocationState;
  /** Wall times in ms; 0 where it has not come so far. */
  readonly acceptedAt: number;
  readonly sentAt: number;
  readonly deliveredAt: number;
  readonly answeredAt: number;
  readonly endedAt: number;
  readonly lateAnsweredAt: number;
  readonly phase: InvocationPhase | undefined;
  readonly safeToRetry: boolean;
  /** The principal that asked. */
  readonly principal: string;
  readonly failure: Failure | undefined;
  /** Of the failure. */
  readonly code: ErrorCode | undefined;
};
