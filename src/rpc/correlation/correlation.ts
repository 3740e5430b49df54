import type { Clock } from '../../base/clock.ts';
import type { Bus, OutgoingMessage } from '../../bus/bus.ts';
import type { Alarms } from '../../base/alarms.ts';
import type { PendingRequest } from '../pending-request.ts';
import type { RequestIds } from '../request-ids.ts';
import type { RequesterCounters, RequesterSettings } from '../requester-options.ts';
import { noResponderError } from '../rpc-errors.ts';

/** What the correlations of one requester have in common. */
export type CorrelationParts = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly ids: RequestIds;
  /** Unguessable; a level of answer topics. */
  readonly requesterId: string;
  readonly settings: RequesterSettings;
  readonly counters: RequesterCounters;
};

/** Publishes a request whose answer can be told from all others. */
export function publishRequest(
  parts: CorrelationParts,
  request: PendingRequest,
  message: OutgoingMessage,
): void {
  const { bus, clock, counters } = parts;
  request.wasSent = true;
  bus.publish(message, patienceOf(request, clock.monotonic())).then(
    ({ matched }) => {
      if (matched !== false || request.isOver || !request.fields.failsWithoutResponder) return;
      counters.noResponder++;
      request.fail(noResponderError(request));
    },
    (error: unknown) => request.fail(error),
  );
}

/** What waits for the broker waits no longer than the caller. */
export function patienceOf(
  { deadlineMs, fields }: PendingRequest,
  nowMs: number,
): { timeoutMs: number; signal?: AbortSignal } {
  const timeoutMs = Math.max(1, deadlineMs - nowMs);
  return fields.signal === undefined ? { timeoutMs } : { timeoutMs, signal: fields.signal };
}
