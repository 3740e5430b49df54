const SLOTS = 1024;
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

  /** Calls what is due by now. Timers may be set and cleared from within. */
  advance(nowMs: number): void {
    const last = Math.floor(nowMs / this.#tickMs);
    // After a long sleep of the machine once round is enough: every slot has been looked at then.
    const first = Math.max(this.#tick + 1, last - SLOTS + 1);
    if (last < first) return;
    this.#tick = last;
    const due: WheelTimer[] = [];
    for (let tick = first; tick <= last; tick++) this.#takeSlot(tick % SLOTS, due);
    for (const timer of due) {
      if (timer.slot < 0 && timer.dueMs <= nowMs) timer.onDue();
      else if (timer.slot < 0 && timer.dueMs !== NOT_DUE) this.set(timer, timer.dueMs);
    }
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
