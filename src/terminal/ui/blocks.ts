import { cleanLine, cleanText } from './clean-text.ts';
import { EMPTY_ROW, widthOf, wrapLines, type Area, type Cell, type Row, type Tone } from './rows.ts';

const GAP = 2;
const INDENT = '  ';
/** Labels take at most this part of the width. */
const MOST_OF_WIDTH = 0.4;

/** What is called how; a value of many parts is told as one fact each, deeper ones indented. */
export type Fact = {
  readonly label: string;
  readonly text: string;
  readonly depth?: number;
  readonly tone?: Tone;
};

/** A part of what a page says: laid out in columns on a screen, told line by line without one. */
export type Block =
  | { readonly kind: 'text'; readonly text: string; readonly tone?: Tone; readonly mark?: Cell }
  | { readonly kind: 'heading'; readonly text: string }
  /**
   * Labels in one column, texts in another; long texts go on below themselves. `isQuoted`: labels and texts are those
   * of a device.
   */
  | { readonly kind: 'facts'; readonly facts: readonly Fact[]; readonly isQuoted?: true }
  /** Sets apart what stands above and below it on a screen. */
  | { readonly kind: 'gap' };

export const GAP_BLOCK: Block = { kind: 'gap' };

export function textBlock(text: string, tone?: Tone, mark?: Cell): Block {
  return { kind: 'text', text, ...(tone !== undefined && { tone }), ...(mark !== undefined && { mark }) };
}

/** What others say, in their words. */
export function quotedBlock(text: string): Block {
  return { kind: 'facts', facts: [{ label: '', text }], isQuoted: true };
}

export function drawBlocks(blocks: readonly Block[], area: Area): Row[] {
  return blocks.flatMap((block) => {
    switch (block.kind) {
      case 'text':
        return textRows(block.text, area, block);
      case 'heading':
        return [EMPTY_ROW, [{ text: block.text, tone: 'strong' }]];
      case 'facts':
        return factRows(block.facts, area);
      default:
        return [EMPTY_ROW];
    }
  });
}

/**
 * Blocks as one text for plain lines. What others say is indented, and so are lines after the first: only what this
 * program says begins a line.
 */
export function tellBlocks(blocks: readonly Block[]): string {
  return blocks
    .flatMap((block) => {
      switch (block.kind) {
        case 'text':
          return [indentNext(cleanText(block.text))];
        case 'heading':
          return ['', `${block.text}:`];
        case 'facts':
          return block.facts.map((fact) => quote(tellFact(fact), block.isQuoted === true));
        default:
          return [];
      }
    })
    .join('\n');
}

/** A text in as many rows as it needs. */
export function textRows(
  text: string,
  area: Area,
  look: { readonly tone?: Tone; readonly mark?: Cell } = {},
): Row[] {
  const { tone = 'plain', mark } = look;
  const indent = mark === undefined ? 0 : widthOf(mark.text);
  return wrapLines(text, area.columns - indent).map((line, index): Row => [
    ...(mark === undefined ? [] : [index === 0 ? mark : { text: '', width: indent }]),
    { text: line, tone },
  ]);
}

function factRows(facts: readonly Fact[], area: Area): Row[] {
  const indented = (fact: Fact): string => INDENT.repeat(fact.depth ?? 0) + fact.label;
  const longest = Math.max(0, ...facts.map((fact) => widthOf(indented(fact))));
  const width = Math.min(longest, Math.floor(area.columns * MOST_OF_WIDTH));
  const gap = longest === 0 ? 0 : GAP;
  return facts.flatMap((fact) =>
    wrapLines(fact.text, area.columns - width - gap).map((text, index): Row => [
      { text: index === 0 ? indented(fact) : '', width, tone: 'dim' },
      { text: '', width: gap },
      { text, tone: fact.tone ?? 'plain' },
    ]),
  );
}

/** A labelled text may have lines: those after the first are indented, so that none looks like another fact. */
function tellFact({ label: written, text: said, depth = 0 }: Fact): string {
  const label = cleanLine(written);
  const text = cleanText(said);
  if (label === '') return text;
  const below = text.replaceAll('\n', `\n${INDENT.repeat(depth + 1)}`);
  const name = INDENT.repeat(depth) + (label.endsWith('.') ? label : `${label}:`);
  return below === '' ? name : `${name} ${below}`;
}

function quote(text: string, isQuoted: boolean): string {
  return isQuoted ? INDENT + indentNext(text) : text;
}

function indentNext(text: string): string {
  return text.replaceAll('\n', `\n${INDENT}`);
}
