import { FullScreen } from './full-screen.ts';
import { LinePrompt } from './line-prompt.ts';
import type { Page } from './page.ts';
import type { PageStack } from './page-stack.ts';

export type TerminalStreams = { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream };

/** Whether single keys and a screen that redraws itself are possible: not through pipes, into files, on `dumb` terminals. */
export function hasScreen({ stdin, stdout }: TerminalStreams): boolean {
  return stdin.isTTY && stdout.isTTY && process.env['TERM'] !== 'dumb';
}

/** Runs the pages until somebody quits: a live program on the whole screen, another one in plain lines. */
export async function runPages(stack: PageStack, streams: TerminalStreams): Promise<void> {
  await (stack.isLive ? runOnScreen(stack, streams) : runInLines(stack, streams));
}

async function runOnScreen(stack: PageStack, streams: TerminalStreams): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const screen = new FullScreen(stack, { ...streams, clock: stack.clock });
  stack.onChanged = () => screen.changed();
  stack.onQuit = () => resolve();
  if (stack.top === undefined) resolve();
  try {
    await promise;
  } finally {
    screen.close();
  }
}

async function runInLines(stack: PageStack, streams: TerminalStreams): Promise<void> {
  const prompt = new LinePrompt(streams);
  stack.onTold = (text) => prompt.tell(text);
  stack.onQuit = () => prompt.close();
  /** Pages that need not be told again. */
  const told = new WeakSet<Page>();
  for (let page = stack.top; page !== undefined; page = stack.top) {
    if (!told.has(page)) {
      const isLoaded = await stack.load(page);
      if (page !== stack.top) continue;
      // What cannot be told is left.
      if (isLoaded) tellAll(page, prompt);
      else stack.back();
      told.add(page);
    } else if (page.question === undefined) stack.back();
    else if (await askPage(page, stack, prompt)) told.delete(page);
  }
  prompt.close();
}

function tellAll(page: Page, prompt: LinePrompt): void {
  const text = page
    .tell()
    .filter((block) => block !== '')
    .join('\n\n');
  if (text !== '') prompt.tell(text);
}

/** Asks what the page asks, and tells meanwhile what changes by itself. True when all is to be told again. */
async function askPage(page: Page, stack: PageStack, prompt: LinePrompt): Promise<boolean> {
  let before = page.tell();
  stack.onChanged = () => {
    const blocks = page.tell();
    const news = blocks.filter((block, index) => block !== '' && block !== before[index]);
    before = blocks;
    for (const block of news) prompt.tell(block);
  };
  const text = await prompt.ask(page.question ?? { text: '' });
  if (text === undefined) stack.quit();
  const isStale = text !== undefined && (await stack.answer(text));
  stack.onChanged = () => {};
  return isStale;
}
