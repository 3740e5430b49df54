import { MemorySessionStore } from '../../src/mqtt/session/memory-session-store.ts';

/** A promise without the event loop: what waits for it goes on from within `resolve`. */
export class HeldCommit {
  readonly #waiting: (() => void)[] = [];
  #isResolved = false;

  /** As a promise has it, but for failures, which there are none of. */
  // oxlint-disable-next-line unicorn/no-thenable -- it stands in for a promise
  then(goOn: () => void): HeldCommit {
    const next = new HeldCommit();
    const run = (): void => {
      goOn();
      next.resolve();
    };
    if (this.#isResolved) run();
    else this.#waiting.push(run);
    return next;
  }

  resolve(): void {
    this.#isResolved = true;
    for (const run of this.#waiting.splice(0)) run();
  }
}

/**
 * A store of which the simulation knows what it has committed: `Snapshot` is what the model had when the commit began.
 */
export class SimulatedStore<Snapshot> extends MemorySessionStore {
  /** What a broker that starts now would find. */
  committed: Snapshot;
  readonly #takeSnapshot: () => Snapshot;
  readonly #held: HeldCommit[];
  #begun: Snapshot;

  /** @param isInstant - commits are done when they are asked for, else with `finishCommit` */
  constructor(isInstant: boolean, takeSnapshot: () => Snapshot) {
    const held: HeldCommit[] = [];
    const hold = (): Promise<void> => {
      const commit = new HeldCommit();
      held.push(commit);
      return commit as unknown as Promise<void>;
    };
    super(isInstant ? {} : { beforeCommit: hold });
    this.#held = held;
    this.#takeSnapshot = takeSnapshot;
    this.committed = takeSnapshot();
    this.#begun = this.committed;
  }

  get isCommitting(): boolean {
    return this.#held.length > 0;
  }

  override commit(): Promise<void> | undefined {
    this.#begun = this.#takeSnapshot();
    const done = super.commit();
    if (done === undefined) this.committed = this.#begun;
    return done;
  }

  /** The disk has written. */
  finishCommit(): void {
    const held = this.#held.shift();
    if (held === undefined) return;
    this.committed = this.#begun;
    held.resolve();
  }

  /** The broker has crashed: what it was committing never was. */
  loseCommit(): void {
    this.#held.length = 0;
  }
}
