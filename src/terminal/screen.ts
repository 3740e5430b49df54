import { PlainScreen } from './plain-screen.ts';
import { TtyScreen } from './tty-screen.ts';

/** How a text is meant: it becomes a colour where there are colours. */
export type Tone = 'plain' | 'good' | 'busy' | 'bad';

/** One entry of a menu: what is typed, and what it does. */
export type Choice = {
  readonly key: string;
  readonly label: string;
  /** It may be chosen, but would change nothing now. */
  readonly isIdle?: boolean;
};

/** Everything that a screen shows at one moment. */
export type View = {
  readonly title: string;
  /** What changes by itself, above the menu. */
  readonly status: readonly { readonly text: string; readonly tone: Tone }[];
  readonly choices: readonly Choice[];
  /** What the last choice brought, below the menu. */
  readonly message: { readonly lines: readonly string[]; readonly tone: Tone };
  /** What the bottom line says while a choice is awaited. */
  readonly prompt: string;
};

/** A menu on a terminal, or lines where there is none. */
export type Screen = {
  /** Shows a view; may be called at any time, also while a choice or an answer is awaited. */
  show(view: View): void;
  /** The next key that is a choice (on a terminal), or the next line; undefined when nobody will type any more. */
  choose(): Promise<string | undefined>;
  /** Asks for a text; undefined when it was given up (Esc, Ctrl+C, the end of input). */
  ask(question: string): Promise<string | undefined>;
  /** Gives the terminal back as it was. */
  close(): void;
};

/** Opens a screen: a menu that redraws itself on a terminal, plain lines through pipes and into files. */
export function openScreen(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Screen {
  return input.isTTY && output.isTTY ? new TtyScreen(input, output) : new PlainScreen(input, output);
}
