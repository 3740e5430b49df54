import type { Clock } from '../../base/clock.ts';
import type { ClientError } from '../../client/index.ts';
import type { Language } from '../language.ts';
import type { Say } from '../messages.ts';
import type { Page } from '../ui/page.ts';
import type { Area } from '../ui/rows.ts';
import type { HubSession } from './hub-session.ts';

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

/** A page of the management application. */
export type ManagePage = Page & {
  /** What the help begins with; undefined where there is no help. */
  readonly topic: HelpTopic | undefined;
};

/** What pages need of the application around them. */
export type PageContext = {
  readonly say: Say;
  readonly language: Language;
  readonly clock: Clock;
  readonly hub: HubSession;
  /** Seen on a screen, and always as it is now; else told in plain lines, as it was when it was asked for. */
  readonly isLive: boolean;
  /** The room that a page has on the screen. */
  readonly area: Area;
  /** Something that is seen has changed. */
  changed(): void;
  /** The page that is seen asks for something else now. */
  reload(): void;
  /** What it has under way is given up. */
  giveUp(): void;
  open(page: ManagePage): void;
  /** Opens a page in the place of the one that is seen. */
  replace(page: ManagePage): void;
  back(): void;
  /** Back to the first page. */
  home(): void;
  /** Says a sentence: for some seconds in the last line of a screen. */
  notify(text: string): void;
  /** Says a failure; in plain lines, where there is room, in full. */
  tellFailure(failure: ClientError): void;
  quit(): void;
};
