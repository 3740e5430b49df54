import type { FastifyReply, FastifyRequest } from 'fastify';
import { partyOf } from '../accounts/principal.ts';
import { Turn, type TurnWork } from '../base/turn.ts';
import type { Command } from '../devices/command.ts';
import type { Invocation } from '../devices/invocation.ts';
import { outcomeOf, type Hub, type InvokeOutcome } from '../hub/hub.ts';

/**
 * Invokes for an HTTP caller. When the caller leaves before the answer, the invocation is cancelled.
 * Never rejects.
 */
export function invokeForCaller(
  hub: Hub,
  call: {
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly deviceId: string;
    readonly command: string | Command;
    readonly input: unknown;
    readonly timeoutMs?: number | undefined;
  },
): Promise<InvokeOutcome> {
  const { input, timeoutMs } = call;
  const caller = partyOf(call.request.principal, call.request.ip);
  const begun = hub.begin(call.deviceId, call.command, { input, timeoutMs, caller });
  if (!begun.ok) return Promise.resolve({ ok: false, failure: begun.failure, invocation: undefined });
  const { invocation } = begun;
  return new Promise((resolve) => {
    // Cheaper than an AbortSignal for each request. After a complete answer, 'close' finds nothing to cancel.
    call.reply.raw.once('close', () => {
      if (invocation.state === 'running') hub.cancel(invocation);
    });
    invocation.whenDone((ended) => answers.add(new Answer(ended, resolve)));
  });
}

/** Answers of one turn leave together: what many devices answered at once wakes their callers once. */
const answers = new Turn();

class Answer implements TurnWork {
  readonly #invocation: Invocation;
  readonly #resolve: (outcome: InvokeOutcome) => void;

  constructor(invocation: Invocation, resolve: (outcome: InvokeOutcome) => void) {
    this.#invocation = invocation;
    this.#resolve = resolve;
  }

  endTurn(): void {
    this.#resolve(outcomeOf(this.#invocation));
  }
}
