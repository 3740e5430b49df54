import type { FastifyRequest } from 'fastify';
import type { Result } from '../base/result.ts';
import { Turn, type TurnWork } from '../base/turn.ts';
import type { Command } from '../devices/command.ts';
import type { Invocation } from '../devices/invocation.ts';
import { readEnd, type Hub, type InvokeFailure } from '../hub/hub.ts';
import { ApiCaller } from './api-caller.ts';
import { readTrace } from './read-trace.ts';

type OnEnd = (end: Result<Invocation, InvokeFailure>) => void;

/**
 * Invokes for an HTTP caller. When the caller leaves before the answer, the invocation is cancelled.
 *
 * @param onEnd - called once, perhaps before this returns. No promise: the answers of a turn would leave one by one
 */
export function invokeForCaller(
  hub: Hub,
  call: {
    readonly request: FastifyRequest;
    readonly deviceId: string;
    readonly command: string | Command;
    readonly input: unknown;
    readonly timeoutMs?: number | undefined;
  },
  onEnd: OnEnd,
): void {
  const { request, input, timeoutMs } = call;
  const caller = ApiCaller.of(request.raw.socket, hub);
  const party = caller.party(request);
  const begun = hub.begin(call.deviceId, call.command, {
    input,
    timeoutMs,
    caller: party,
    traceparent: readTrace(request),
  });
  if (!begun.ok) return onEnd(begun);
  caller.await(begun.value);
  begun.value.whenDone((ended) => {
    caller.release(ended);
    answers.add(new EndedCall(ended, onEnd));
  });
}

/** Answers of one turn leave together: what many devices answered at once wakes their callers once. */
const answers = new Turn();

class EndedCall implements TurnWork {
  readonly #invocation: Invocation;
  readonly #onEnd: OnEnd;

  constructor(invocation: Invocation, onEnd: OnEnd) {
    this.#invocation = invocation;
    this.#onEnd = onEnd;
  }

  endTurn(): void {
    this.#onEnd(readEnd(this.#invocation));
  }
}
