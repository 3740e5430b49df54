import type { PatternStep } from './pattern.ts';
import { joinTexts } from './python-text.ts';
import { TemplateFault } from './template-fault.ts';
import type { TemplateWork } from './template-work.ts';

/** Of one search or replacement: each step of each way that is followed, character by character. */
const MAX_SEARCH_STEPS = 200_000;

type Match = { readonly begin: number; readonly end: number };

/** A place of the program that was reached, and where the match would begin. */
type Way = { readonly step: number; readonly begin: number };

/**
 * Follows all ways through a pattern at once, the best first, so that no pattern and no text can take longer than the
 * product of their lengths (Pike's machine).
 */
export class PatternSearch {
  readonly #program: readonly PatternStep[];
  readonly #text: readonly string[];
  readonly #work: TemplateWork;
  #stepsLeft = MAX_SEARCH_STEPS;

  constructor(program: readonly PatternStep[], text: string, work: TemplateWork) {
    this.#work = work;
    this.#program = program;
    work.spend(text.length);
    this.#text = Array.from(text);
  }

  /** Whether the text has it anywhere, or only at its begin. */
  isFound(where: 'anywhere' | 'at the begin'): boolean {
    const found = this.#find(0, { isAnchored: where === 'at the begin', isEmptyWanted: true });
    return found !== undefined;
  }

  /** The text with something else in the place of each match. */
  replace(replacement: string): string {
    const parts: string[] = [];
    let from = 0;
    let isEmptyWanted = true;
    for (;;) {
      const found = this.#find(from, { isAnchored: false, isEmptyWanted });
      if (found === undefined) break;
      parts.push(this.#text.slice(from, found.begin).join(''), replacement);
      from = found.end;
      // Two empty matches cannot stand at one place, nor an empty one where an empty one was.
      isEmptyWanted = found.end > found.begin;
    }
    return joinTexts([...parts, this.#text.slice(from).join('')], '');
  }

  #find(
    from: number,
    { isAnchored, isEmptyWanted }: { readonly isAnchored: boolean; readonly isEmptyWanted: boolean },
  ): Match | undefined {
    let ways: Way[] = [];
    let found: Match | undefined;
    for (let at = from; ; at++) {
      const isNewWanted = found === undefined && (!isAnchored || at === from);
      const starts = isNewWanted ? [...ways, { step: 0, begin: at }] : ways;
      if (starts.length === 0) return found;
      const reached = this.#follow(starts, at);
      const match = reached.findIndex(
        ({ step, begin }) =>
          this.#program[step]!.kind === 'match' && (isEmptyWanted || begin !== at || at !== from),
      );
      // Ways behind a match are worse than it.
      if (match !== -1) found = { begin: reached[match]!.begin, end: at };
      if (at >= this.#text.length) return found;
      ways = (match === -1 ? reached : reached.slice(0, match)).flatMap(({ step, begin }) => {
        const { kind, test } = this.#program[step] as { kind: string; test?: (character: string) => boolean };
        return kind === 'character' && test!(this.#text[at]!) ? [{ step: step + 1, begin }] : [];
      });
    }
  }

  /** Where the ways lead without another character, the best first, and each place once. */
  #follow(ways: readonly Way[], at: number): readonly Way[] {
    const seen = new Set<number>();
    const reached: Way[] = [];
    const open = ways.toReversed();
    for (let way = open.pop(); way !== undefined; way = open.pop()) {
      if (seen.has(way.step)) continue;
      this.#work.spend(1);
      if (--this.#stepsLeft < 0) throw new TemplateFault('a regular expression that takes too long');
      seen.add(way.step);
      const { begin } = way;
      const step = this.#program[way.step]!;
      if (step.kind === 'jump') open.push({ step: step.to, begin });
      else if (step.kind === 'fork') open.push({ step: step.second, begin }, { step: step.first, begin });
      else if (step.kind === 'begin' || step.kind === 'end') {
        if (this.#holds(step.kind, at)) open.push({ step: way.step + 1, begin });
      } else reached.push(way);
    }
    return reached;
  }

  /** The end is also before a last new line. */
  #holds(anchor: 'begin' | 'end', at: number): boolean {
    if (anchor === 'begin') return at === 0;
    const left = this.#text.length - at;
    return left === 0 || (left === 1 && this.#text[at] === '\n');
  }
}
