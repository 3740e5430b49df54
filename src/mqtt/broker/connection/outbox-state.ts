export const OutboxState = {
  /** What is collected goes at the end of the turn. */
  OPEN: 0,
  /** It waits until the store has written what it promises. */
  COMMITTING: 1,
  /** The transport takes no more for now. */
  BLOCKED: 2,
  /** Both of these. */
  BLOCKED_COMMITTING: 3,
  /** The connection is over, but its last bytes still wait for the store. */
  ENDING: 4,
  /** Nothing is sent any more. */
  ENDED: 5,
} as const;
export type OutboxState = (typeof OutboxState)[keyof typeof OutboxState];

export const OutboxEvent = {
  /** Something is said that the store has to write first. */
  WAIT: 0,
  /** The store has written the last of it. */
  COMMITTED: 1,
  /** The transport has said that it is blocked. */
  BLOCK: 2,
  /** All that the transport kept has gone. */
  DRAIN: 3,
  /** The connection is to be closed after what it was told. */
  END: 4,
  /** The connection broke, or is to break. */
  DISCARD: 5,
} as const;
export type OutboxEvent = (typeof OutboxEvent)[keyof typeof OutboxEvent];

const { OPEN, COMMITTING, BLOCKED, BLOCKED_COMMITTING, ENDING, ENDED } = OutboxState;
const ILLEGAL = -1;

/** For each state where each event leads, in the order of `OutboxEvent`. */
const TRANSITIONS: readonly (readonly number[])[] = [
  /* OPEN               */ [COMMITTING, ILLEGAL, BLOCKED, OPEN, ENDED, ENDED],
  /* COMMITTING         */ [COMMITTING, OPEN, BLOCKED_COMMITTING, COMMITTING, ENDING, ENDED],
  /* BLOCKED            */ [BLOCKED_COMMITTING, ILLEGAL, ILLEGAL, OPEN, ENDED, ENDED],
  /* BLOCKED_COMMITTING */ [BLOCKED_COMMITTING, BLOCKED, ILLEGAL, COMMITTING, ENDING, ENDED],
  /* ENDING             */ [ENDING, ENDED, ILLEGAL, ENDING, ENDING, ENDED],
  /* ENDED              */ [ENDED, ENDED, ILLEGAL, ENDED, ENDED, ENDED],
];

/** @throws when the event cannot be in that state */
export function nextOutboxState(state: OutboxState, event: OutboxEvent): OutboxState {
  const next = TRANSITIONS[state]![event]!;
  if (next === ILLEGAL) throw new Error(`an outbox in state ${state} met event ${event}`);
  return next as OutboxState;
}
