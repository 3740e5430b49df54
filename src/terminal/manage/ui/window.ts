import { Box, render, Text, useInput, usePaste } from 'ink';
import { createElement as h, useSyncExternalStore, type ReactElement } from 'react';
import { layOut, type Row, type Tone } from './cells.ts';
import type { WindowSize } from './frame.ts';
import { readKeys, type Key } from './keys.ts';

/** What is shown in a window: rows out, keys in. */
export type WindowContent = {
  readonly subscribe: (listener: () => void) => () => void;
  /** A number that grows with each change. */
  readonly version: () => number;
  draw(): readonly Row[];
  onKey(key: Key): void;
};

export type WindowOptions = {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly size: () => WindowSize;
  readonly hasColors: boolean;
};

type Looks = { color?: string; dimColor?: boolean; bold?: boolean; inverse?: boolean };

const LOOKS: Readonly<Record<Tone, Looks>> = {
  plain: {},
  dim: { dimColor: true },
  strong: { bold: true },
  accent: { color: 'cyan' },
  focus: { color: 'cyan', bold: true },
  good: { color: 'green' },
  warn: { color: 'yellow' },
  bad: { color: 'red' },
  cursor: { inverse: true },
};

/** Without colours, bold stands for them where it matters. */
const PLAIN_LOOKS: Readonly<Record<Tone, Looks>> = {
  ...LOOKS,
  accent: {},
  focus: { bold: true },
  good: {},
  warn: { bold: true },
  bad: { bold: true },
};

export type OpenWindow = {
  /** Draws everything anew, for the terminal has another size: call it before Ink hears of the size. */
  resized(): void;
  close(): void;
  /** Settles when the terminal is given back. */
  readonly closed: Promise<unknown>;
};

const CLEAR_AND_HOME = '\u001b[2J\u001b[H';

/**
 * Shows a content in the whole terminal until `close` is called; the terminal is as before afterwards. This is the
 * only file that knows Ink: everything that is drawn goes through `layOut`, which cleans it.
 */
export function openWindow(content: WindowContent, options: WindowOptions): OpenWindow {
  const { stdin, stdout } = options;
  const instance = render(h(Window, { content, options }), {
    stdin,
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    alternateScreen: true,
    incrementalRendering: true,
    interactive: true,
  });
  return {
    resized: () => {
      // Terminals move text about when they change their width: what stands where is not known any more.
      stdout.write(CLEAR_AND_HOME);
      instance.clear();
      instance.rerender(h(Window, { content, options }));
    },
    close: () => instance.unmount(),
    closed: instance.waitUntilExit(),
  };
}

function Window({ content, options }: { content: WindowContent; options: WindowOptions }): ReactElement {
  useSyncExternalStore(content.subscribe, content.version);
  useInput((input, flags) => {
    for (const key of readKeys(input, flags)) content.onKey(key);
  });
  usePaste((text) => content.onKey({ name: 'paste', text }));
  const { columns, rows } = options.size();
  const looks = options.hasColors ? LOOKS : PLAIN_LOOKS;
  return h(
    Box,
    { flexDirection: 'column', width: columns, height: rows, overflow: 'hidden' },
    content.draw().map((row, index) => h(Line, { key: index, row, columns, looks })),
  );
}

function Line({
  row,
  columns,
  looks,
}: {
  row: Row;
  columns: number;
  looks: Readonly<Record<Tone, Looks>>;
}): ReactElement {
  const pieces = layOut(row, columns).map((piece, index) =>
    h(Text, { key: index, ...looks[piece.tone] }, piece.text),
  );
  return h(Text, { wrap: 'truncate-end' }, ...(pieces.length === 0 ? [' '] : pieces));
}
