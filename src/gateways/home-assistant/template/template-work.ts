import { TemplateFault } from './template-fault.ts';

/** What the templates of one message may do: nodes, items they look at, steps of regular expressions. */
const MAX_WORK = 400_000;
/** So many characters of a text are passed in the time of one item. */
const CHARACTERS_PER_ITEM = 64;

/** Counts what templates do together, whose size a payload or a template decides. */
export class TemplateWork {
  #left = MAX_WORK;

  /** @throws {TemplateFault} when it was too much */
  spend(work: number): void {
    this.#left -= work;
    if (this.#left < 0) throw new TemplateFault('a template that takes too long');
  }

  /** A text is passed from one end to the other. */
  spendText(text: string): void {
    this.spend(Math.ceil(text.length / CHARACTERS_PER_ITEM));
  }

  /** One of so many that are left has an equal part of what is left, and leaves the others what it does not need. */
  share(among: number, run: () => void): void {
    const part = Math.floor(Math.max(0, this.#left) / among);
    const others = this.#left - part;
    this.#left = part;
    run();
    this.#left = others + Math.max(0, this.#left);
  }
}
