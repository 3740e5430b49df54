import type { ClientError } from '../../client/index.ts';
import type { Result } from '../../base/result.ts';
import type { MessageKey } from '../messages.ts';
import type { Key } from './key-reader.ts';
import type { Area, Row } from './rows.ts';

/** A key and what it does, for the last line of the screen. */
export type Hint = readonly [keys: string, label: MessageKey];

/** What plain lines ask for; without a text the answer is awaited in silence. */
export type Question = { readonly text: string; readonly isSecret?: boolean };

/**
 * One place of a program: what it knows, what it shows, what can be done there. It is written once and shown in two
 * ways: as rows of a screen that takes single keys, and as lines that are told, with lines as answers. It lives from
 * the moment it is opened until somebody goes back from it, also while others lie on it.
 */
export type Page = {
  /** What it is about, for the first line: `DE1`, `Ligar`. */
  readonly title: string;
  /** Asks the hub for what it shows; what it does not tell itself it returns as a failure. */
  load?(signal: AbortSignal): Promise<Result<unknown, ClientError>>;
  /** How often it is loaded while it is seen on a screen; undefined: once, which goes on while others lie on it. */
  readonly pollMs?: number;
  /** The screen has another size now. */
  onResize?(): void;
  /** It is not seen any more. */
  onHidden?(): void;

  /** Letters are text now, not shortcuts. */
  readonly isTyping?: boolean;
  readonly hints: readonly Hint[];
  draw(area: Area): readonly Row[];
  /** False when the key means nothing here; then the keys that mean the same everywhere get their turn. */
  onKey(key: Key): boolean;

  /** What there is to tell, in blocks of lines. */
  tell(): readonly string[];
  /** What is asked after it was told; undefined: nothing, and the page is left. */
  readonly question?: Question | undefined;
  /** Takes an answer; true when the page is to be loaded and told again. */
  answer?(text: string): boolean | Promise<boolean>;
};
