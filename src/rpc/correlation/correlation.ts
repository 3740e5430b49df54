import type { Clock } from '../../base/clock.ts';
import type { Bus, OutgoingMessage } from '../../bus/bus.ts';
import type { Alarms } from '../alarms.ts';
import type { Exchange, ExchangeEnd } from '../exchange.ts';
import type { RequestIds } from '../request-ids.ts';
import type { RequesterCounters, RequesterSettings } from '../requester-options.ts';
import { noResponderError } from '../rpc-errors.ts';

/** How answers find their requests. */
export type Correlation = {
  /** Sends a request. The exchange may be over before this returns. */
  start(exchange: Exchange): void;
  /** An exchange that was started is over, for whatever reason. */
  onOver(exchange: Exchange, end: ExchangeEnd): void;
  close(): void;
};

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
export function publishRequest(parts: CorrelationParts, exchange: Exchange, message: OutgoingMessage): void {
  const { bus, clock, counters } = parts;
  exchange.wasSent = true;
  bus.publish(message, patienceOf(exchange, clock.monotonic())).then(
    ({ matched }) => {
      if (matched !== false || exchange.isOver || !exchange.fields.failsWithoutResponder) return;
      counters.noResponder++;
      exchange.fail(noResponderError(exchange));
    },
    (error: unknown) => exchange.fail(error),
  );
}

/** What waits for the broker waits no longer than the caller. */
export function patienceOf(
  { deadlineMs, fields }: Exchange,
  nowMs: number,
): { timeoutMs: number; signal?: AbortSignal } {
  const timeoutMs = Math.max(1, deadlineMs - nowMs);
  return fields.signal === undefined ? { timeoutMs } : { timeoutMs, signal: fields.signal };
}
