/**
 * How it stands with a store, each with what a person can do about it. What cannot be stored is refused meanwhile, and
 * tried again once a second, unless nothing can be asked any more.
 */
const STORE_STATES = {
  ready: '',
  full: 'the disk is full: make room',
  'read-only': 'the disk or the file is read-only: make it writable',
  locked: 'another program keeps the file locked: end it',
  removed: 'the file was taken away from under the hub, or another put in its place: put it back',
  failing: 'the disk fails: look at the log of the system',
  damaged:
    'the file is damaged: stop the hub, look with `recado doctor`, and bring a copy back with `recado restore`',
  unreachable: 'the file cannot be opened: give the user of the hub the folder',
  ended: 'a mistake of the hub has ended it: please report what its log says',
} as const satisfies Readonly<Record<string, string>>;

export type StoreState = keyof typeof STORE_STATES;

/** Why something was not stored. */
export type StoreFault = {
  readonly state: Exclude<StoreState, 'ready'>;
  /** In SQLite's words. */
  readonly message: string;
};

/** How it stands with one store, for people and for `/readyz`. */
export type StoreHealth = {
  readonly name: string;
  readonly state: StoreState;
  /** What to do; empty when there is nothing to do. */
  readonly advice: string;
};

/** What to do. */
export function remedyFor(state: StoreState): string {
  return STORE_STATES[state];
}

/** The same, and whether the hub goes on by itself then. */
export function adviceFor(state: StoreState, isOver: boolean): string {
  if (state === 'ready' || state === 'damaged') return remedyFor(state);
  return `${remedyFor(state)}; ${isOver ? 'then start the hub again' : 'the hub goes on by itself then'}`;
}

/** What a store threw or sent back because of a fault. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly fault: StoreFault;

  constructor(fault: StoreFault) {
    super(`${fault.message} (${fault.state})`);
    this.fault = fault;
  }
}
