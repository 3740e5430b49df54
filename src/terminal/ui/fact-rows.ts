import { widthOf, wrapLines, type Area, type Row, type Tone } from './rows.ts';

const GAP = 2;
/** Labels take at most this part of the width. */
const MOST_OF_WIDTH = 0.4;

export type Fact = {
  readonly label: string;
  readonly text: string;
  readonly depth?: number;
  readonly tone?: Tone;
};

/** Labels in one column, texts in another; long texts go on below themselves. */
export function factRows(facts: readonly Fact[], area: Area): Row[] {
  const indented = (fact: Fact): string => '  '.repeat(fact.depth ?? 0) + fact.label;
  const longest = Math.max(0, ...facts.map((fact) => widthOf(indented(fact))));
  const column = longest === 0 ? 0 : Math.min(longest, Math.floor(area.columns * MOST_OF_WIDTH)) + GAP;
  return facts.flatMap((fact) =>
    wrapLines(fact.text, area.columns - column).map((text, index): Row => [
      { text: index === 0 ? indented(fact) : '', width: column, tone: 'dim' },
      { text, tone: fact.tone ?? 'plain' },
    ]),
  );
}
