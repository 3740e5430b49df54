import type { SentRequest } from './sent-request.ts';

/** A pair that runs in parallel has many, of which only the ids are of use; the oldest are forgotten. */
const MAX_LATE_ANSWERS = 1000;

/** Answers that may still come though nobody waits for them any more, each with the time when it is given up. */
export class LateAnswers {
  readonly #byId = new Map<string, { readonly sent: SentRequest; readonly untilMs: number }>();

  add(sent: SentRequest, untilMs: number): void {
    this.#byId.set(sent.request.id, { sent, untilMs });
    if (this.#byId.size <= MAX_LATE_ANSWERS) return;
    for (const oldest of this.#byId.keys()) {
      this.#byId.delete(oldest);
      return;
    }
  }

  /** @returns false when there was none of this id */
  settle(id: string): boolean {
    return this.#byId.delete(id);
  }

  /** When the last one is given up; 0 when there is none. */
  clearAtMs(nowMs: number): number {
    let latestMs = 0;
    for (const [id, { untilMs }] of this.#byId) {
      if (untilMs <= nowMs) this.#byId.delete(id);
      else latestMs = Math.max(latestMs, untilMs);
    }
    return latestMs;
  }

  /** The request whose answer is missing, when there is exactly one. */
  findOnly(nowMs: number): SentRequest | undefined {
    this.clearAtMs(nowMs);
    if (this.#byId.size !== 1) return undefined;
    const [only] = this.#byId.values();
    return only?.sent;
  }
}
