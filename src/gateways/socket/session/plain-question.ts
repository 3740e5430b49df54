import type { Invocation } from '../../../devices/invocation.ts';

/**
 * Where the conversation with a plain device is: it owes its description; nothing is asked; a question waits for the
 * end of the turn, so nothing that comes can be its answer; its answer is awaited; the connection is over.
 */
export type PlainState = 'describing' | 'idle' | 'asking' | 'awaiting' | 'ended';

/** The states that may follow each. */
export const NEXT_PLAIN_STATES: Readonly<Record<PlainState, readonly PlainState[]>> = {
  describing: ['idle', 'ended'],
  idle: ['asking', 'ended'],
  asking: ['awaiting', 'ended'],
  awaiting: ['idle', 'ended'],
  ended: [],
};

/** What is asked of the device: a command, or a keep-alive. */
export type PlainQuestion = {
  readonly message: string;
  /** Undefined: a keep-alive of the hub's own. */
  readonly invocation: Invocation | undefined;
  /** What ends it: the command 0 has the answer of a keep-alive, whoever asks it. */
  readonly endsWith: 'Recebido' | 'Resposta';
  /** Monotonic ms. */
  readonly askedAt: number;
};
