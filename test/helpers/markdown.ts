/** A fenced block of a Markdown text. */
export type CodeBlock = { readonly language: string; readonly lines: readonly string[] };

/** A Markdown text, taken apart as far as the tests of the documents need it. */
export type MarkdownParts = {
  /** Headings as written: `## Try it`. */
  readonly headings: readonly string[];
  readonly codeBlocks: readonly CodeBlock[];
  /** Targets of links and images outside code. */
  readonly links: readonly string[];
};

/** Takes a Markdown text apart. What is inside code is neither heading nor link. */
export function readMarkdown(text: string): MarkdownParts {
  const headings: string[] = [];
  const codeBlocks: CodeBlock[] = [];
  const links: string[] = [];
  let block: { language: string; lines: string[] } | undefined;
  for (const line of text.split('\n')) {
    const fence = /^\s*```(\S*)/.exec(line);
    if (fence !== null) {
      if (block !== undefined) codeBlocks.push(block);
      block = block === undefined ? { language: fence[1] ?? '', lines: [] } : undefined;
    } else if (block !== undefined) {
      block.lines.push(line);
    } else {
      if (/^#{1,6}\s/.test(line)) headings.push(line);
      for (const match of line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^()\s]+)\)/g))
        links.push(match[1] ?? '');
    }
  }
  return { headings, codeBlocks, links };
}

/** `## Try it, now!` → `try-it-now`: the name by which links reach a heading. */
export function headingAnchor(heading: string): string {
  return heading
    .replace(/^#+\s+/, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}
