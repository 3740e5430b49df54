export const SerialState = {
  /** The next request may be sent. */
  IDLE: 0,
  /** One is on its way, and an answer without an id is its answer. */
  ASKING: 1,
  /** The same, and it was perhaps sent twice: a second answer may follow. */
  ASKING_TWICE: 2,
  /** An answer may come that nobody waits for; nothing is sent until it has come, or its time is over. */
  RESTING: 3,
  /** Answers carry Correlation Data: any number is on its way. */
  PARALLEL: 4,
  CLOSED: 5,
} as const;
export type SerialState = (typeof SerialState)[keyof typeof SerialState];

export const SerialEvent = {
  ASK: 0,
  /** The connection was lost before the request was acknowledged. */
  REPEAT: 1,
  /** The answer that was expected came. */
  ANSWER: 2,
  /** Nobody has got the request: of one that was perhaps sent twice, its second copy. */
  UNHEARD: 3,
  /** The caller is gone, and the answer may come yet. */
  LEAVE: 4,
  /** The quarantine is over. */
  REST_OVER: 5,
  /** It is certain that answers carry Correlation Data: one did, or a setting says so. */
  PROVE: 6,
  CLOSE: 7,
} as const;
export type SerialEvent = (typeof SerialEvent)[keyof typeof SerialEvent];

const { IDLE, ASKING, ASKING_TWICE, RESTING, PARALLEL, CLOSED } = SerialState;
const ILLEGAL = -1;

/** For each state where each event leads, in the order of `SerialEvent`. */
const TRANSITIONS: readonly (readonly number[])[] = [
  /* IDLE         */ [ASKING, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, PARALLEL, CLOSED],
  /* ASKING       */ [ILLEGAL, ASKING_TWICE, IDLE, IDLE, RESTING, ILLEGAL, PARALLEL, CLOSED],
  /* ASKING_TWICE */ [ILLEGAL, ASKING_TWICE, RESTING, RESTING, RESTING, ILLEGAL, PARALLEL, CLOSED],
  /* RESTING      */ [ILLEGAL, ILLEGAL, IDLE, IDLE, ILLEGAL, IDLE, PARALLEL, CLOSED],
  /* PARALLEL     */ [ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, PARALLEL, CLOSED],
  /* CLOSED       */ [CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED],
];

/** @throws when the event cannot be in that state */
export function nextSerialState(state: SerialState, event: SerialEvent): SerialState {
  const next = TRANSITIONS[state]![event]!;
  if (next === ILLEGAL) throw new Error(`a response topic in state ${state} met event ${event}`);
  return next as SerialState;
}
