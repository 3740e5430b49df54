const SLOTS = 1024;
const UNBOUNDED = { work: 0, workLimit: 1 };
const NOT_DUE = Number.POSITIVE_INFINITY;

/** Something that is due at a time, on a wheel. Held by its owner; on the wheel only while it is set. */
export class WheelTimer {
  readonly onDue: () => void;
  /** The rest belongs to the wheel. */
  dueMs = 0;
  slot = -1;
  next: WheelTimer | undefined = undefined;
  previous: WheelTimer | undefined = undefined;

  constructor(onDue: () => void) {
    this.onDue = onDue;
  }

  get isSet(): boolean {
    return this.slot >= 0;
  }
}

/**
 * Many timers with one clock between them: setting and clearing one costs two links. They come up to one tick
 * late, never early. Times are those of the caller's monotonic clock.
 */
export class TimerWheel {
  readonly #tickMs: number;
  readonly #slots: (WheelTimer | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  #tick: number;
  #count = 0;
  /** Taken off the wheel, and not called yet. */
  #due: WheelTimer[] = [];

  constructor(tickMs: number, nowMs: number) {
    this.#tickMs = tickMs;
    this.#tick = Math.floor(nowMs / tickMs);
  }

  /** The number of timers that are set. */
  get size(): number {
    return this.#count;
  }

  /** Sets a timer, in place of what it was set to. */
  set(timer: WheelTimer, dueMs: number): void {
    if (timer.slot >= 0) this.#unlink(timer);
    timer.dueMs = dueMs;
    // The tick after the one that holds the time: a timer must not come early.
    const tick = Math.min(Math.max(Math.ceil(dueMs / this.#tickMs), this.#tick + 1), this.#tick + SLOTS - 1);
    const slot = tick % SLOTS;
    const first = this.#slots[slot];
    timer.slot = slot;
    timer.next = first;
    if (first !== undefined) first.previous = timer;
    this.#slots[slot] = timer;
    this.#count++;
  }

  clear(timer: WheelTimer): void {
    // Also one that is due at this moment and whose turn has not come.
    timer.dueMs = NOT_DUE;
    if (timer.slot >= 0) this.#unlink(timer);
  }

  #unlink(timer: WheelTimer): void {
    if (timer.previous === undefined) this.#slots[timer.slot] = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== undefined) timer.next.previous = timer.previous;
    timer.slot = -1;
    timer.next = undefined;
    timer.previous = undefined;
    this.#count--;
  }

  /**
   * Calls what is due by now. Timers may be set and cleared from within.
   *
   * @param maxTimers - how many are looked at: fifty thousand that are due at once must not keep all else waiting
   * @param turn - what they do counts in it; they wait where it has no time left
   * @returns whether some are left for the next call, which should come soon
   */
  advance(nowMs: number, maxTimers: number = Number.POSITIVE_INFINITY, turn = UNBOUNDED): boolean {
    const last = Math.floor(nowMs / this.#tickMs);
    // After a long sleep of the machine once round is enough: every slot has been looked at then.
    const first = Math.max(this.#tick + 1, last - SLOTS + 1);
    if (last >= first) this.#tick = last;
    const due = this.#due;
    for (let tick = first; tick <= last; tick++) this.#takeSlot(tick % SLOTS, due);
    const count = Math.min(due.length, maxTimers);
    let index = 0;
    while (index < count && turn.work < turn.workLimit) this.#look(due[index++]!, nowMs);
    due.splice(0, index);
    return due.length > 0;
  }

  #look(timer: WheelTimer, nowMs: number): void {
    const { slot, dueMs } = timer;
    if (slot >= 0 || dueMs === NOT_DUE) return;
    if (dueMs > nowMs) {
      this.set(timer, dueMs);
      return;
    }
    // It may be in the list twice: set again, and taken off again, before its first turn came.
    timer.dueMs = NOT_DUE;
    timer.onDue();
  }

  #takeSlot(slot: number, into: WheelTimer[]): void {
    let timer = this.#slots[slot];
    while (timer !== undefined) {
      const next = timer.next;
      this.#unlink(timer);
      into.push(timer);
      timer = next;
    }
  }
}
