import type { Logger } from './logger.ts';

type Step = { readonly name: string; readonly close: () => Promise<void> | void };

/** Closes parts in the opposite order of their opening, within one deadline. */
export class Shutdown {
  readonly #steps: Step[] = [];
  readonly #log: Logger;
  #closing: Promise<boolean> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Registers what to close. What was added last is closed first. */
  add(name: string, close: Step['close']): void {
    this.#steps.push({ name, close });
  }

  /** Closes everything; true when all closed within `deadlineMs`. A second call gets the first one's result. */
  close(deadlineMs: number): Promise<boolean> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<boolean> {
    const until = performance.now() + deadlineMs;
    let inTime = true;
    for (const step of this.#steps.reverse()) {
      const left = Math.max(0, until - performance.now());
      if (!(await this.#closeStep(step, left))) inTime = false;
    }
    return inTime;
  }

  async #closeStep(step: Step, leftMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, leftMs, 'late');
    });
    try {
      const winner = await Promise.race([Promise.resolve(step.close()), late]);
      if (winner === 'late') this.#log.warn({ part: step.name }, `${step.name} did not close in time`);
      return winner !== 'late';
    } catch (error) {
      this.#log.error({ part: step.name, err: error }, `${step.name} failed to close`);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}
