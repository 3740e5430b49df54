import type { PendingRequest } from '../pending-request.ts';
import type { Trace } from './payload-traces.ts';

/** A request of a fixed pair that was published. */
export class SentRequest {
  readonly request: PendingRequest;
  readonly sentMs: number;
  /** By which its answer may be recognised. */
  readonly trace: Trace | undefined;
  /**
   * `sending`: within the call of `publish`, when a broker in this process hands it on already; `sent`: the broker has
   * not acknowledged it yet; `acknowledged`.
   */
  phase: 'sending' | 'sent' | 'acknowledged' = 'sending';
  /** The connection was lost before the acknowledgement, so the bus has sent it again: there may be two answers. */
  mayRepeat = false;
  /** Answers were refused because they came before the acknowledgement. */
  refusedEarly = false;
  /** Answers were refused because of what was in them, or was not. */
  refusedByEcho = false;

  constructor(request: PendingRequest, sentMs: number, trace: Trace | undefined) {
    this.request = request;
    this.sentMs = sentMs;
    this.trace = trace;
  }

  /** Whether an answer that comes now came before the broker had the request. */
  get isTooEarly(): boolean {
    // At QoS 2 the broker may hand a message on before the last of its acknowledgements.
    return this.phase === 'sent' && this.request.fields.qos < 2;
  }
}
