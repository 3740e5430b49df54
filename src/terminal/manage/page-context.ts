import type { ClientError, HubEvent } from '../../client/index.ts';
import type { Language } from '../language.ts';
import type { MessageKey, Say } from '../messages.ts';
import type { PageStack } from '../ui/page-stack.ts';
import type { Page } from '../ui/page.ts';
import type { Area } from '../ui/rows.ts';
import type { Follows } from './hub-follower.ts';
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
  | 'readings'
  | 'invocations'
  | 'invocation';

/** A page of the management application. */
export type ManagePage = Page & {
  /** Which events change it; undefined: it does not change, and those below it go on. */
  readonly follows?: Follows;
  /** Takes an event of these; true, as without it: the page has to be loaded once more. */
  onEvent?(event: HubEvent): boolean;
  /** What the help begins with; undefined where there is no help. */
  readonly topic: HelpTopic | undefined;
  /** What can be typed in plain lines, while a choice is awaited; then some words mean the same on every page. */
  readonly plainHelp?: readonly MessageKey[] | undefined;
};

/** What pages need of the application around them. */
export type PageContext = PageStack<ManagePage> & {
  readonly say: Say;
  readonly language: Language;
  readonly hub: HubSession;
  /** The room that a page has on the screen. */
  readonly area: Area;
  /** Says a sentence: for some seconds in the last line of a screen. */
  notify(text: string): void;
  /** Says a failure; in plain lines, where there is room, in full. */
  tellFailure(failure: ClientError): void;
};
