import type { Clock } from '../../base/clock.ts';
import type { HubSession } from './hub-session.ts';
import type { Language } from '../language.ts';
import type { Say } from './messages.ts';
import type { Area, Row } from '../ui/rows.ts';
import type { Key } from '../ui/key-reader.ts';

/** What the help explains under one heading. */
export type HelpTopic =
  | 'connect'
  | 'token'
  | 'devices'
  | 'device'
  | 'form'
  | 'answer'
  | 'description'
  | 'readings';

/** A key and what it does, for the last line of the screen. */
export type Hint = { readonly keys: string; readonly label: string };

/** One screen. It lives from the moment it is opened until somebody goes back from it, also while others lie on it. */
export type Screen = {
  /** What the screen is about, for the first line: `DE1`, `Ligar`. */
  readonly title: string;
  readonly hints: readonly Hint[];
  /** Letters are text now, not shortcuts. */
  readonly isTyping: boolean;
  /** It asks the hub all the time while it is seen; for other screens the application asks whether the hub is there. */
  readonly asksHub: boolean;
  /** What the help begins with; undefined where there is no help. */
  readonly topic: HelpTopic | undefined;
  /** It became the one that is seen. */
  onShown?(): void;
  /** It is not seen any more: polling stops. */
  onHidden?(): void;
  /** Somebody went back from it: what is under way is given up. */
  onClosed?(): void;
  /** The room for it has changed. */
  onResized?(): void;
  /** False when the key means nothing here; then the keys that mean the same everywhere get their turn. */
  onKey(key: Key): boolean;
  draw(area: Area): readonly Row[];
};

/** What screens need of the application around them. */
export type Desk = {
  readonly say: Say;
  readonly language: Language;
  readonly clock: Clock;
  readonly session: HubSession;
  /** The room that a screen has now. */
  readonly area: Area;
  /** Something that is seen has changed. */
  changed(): void;
  open(screen: Screen): void;
  /** Opens a screen in the place of the one that is seen. */
  replace(screen: Screen): void;
  back(): void;
  /** Back to the first screen. */
  home(): void;
  /** Shows a sentence for some seconds. */
  notify(text: string): void;
  quit(): void;
};
