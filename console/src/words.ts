import { computed } from '@preact/signals';
import type { Language } from '../../src/terminal/language.ts';
import { CALL_MESSAGES } from '../../src/terminal/messages/call-messages.ts';
import { fillPlaces, type Values } from '../../src/terminal/messages/fill-places.ts';
import { PAGE_MESSAGES } from '../../src/terminal/messages/page-messages.ts';
import type { Say } from '../../src/terminal/messages.ts';
import { CONSOLE_MESSAGES } from './messages.ts';
import { language } from './settings.ts';

const MESSAGES = { ...PAGE_MESSAGES, ...CALL_MESSAGES, ...CONSOLE_MESSAGES };
export type ConsoleMessage = keyof typeof MESSAGES;

/** Markup is nothing to a page, which shows text. */
const asItIs = (value: string): string => value;

const current = computed(
  () =>
    (key: ConsoleMessage, values: Values = {}): string =>
      fillPlaces(pick(MESSAGES[key], language.value), values, asItIs),
);

function pick([english, portuguese]: readonly [string, string], wanted: Language): string {
  return wanted === 'en' ? english : portuguese;
}

/** Says a text in the language that was chosen; a page that says something is drawn anew when it changes. */
export function say(key: ConsoleMessage, values?: Values): string {
  return current.value(key, values);
}

/** Undefined when the hub said something that this version has no words for. */
export function sayKnown(key: string): string | undefined {
  return Object.hasOwn(MESSAGES, key) ? say(key as ConsoleMessage) : undefined;
}

/** For the words that are shared with the terminal: they ask for texts that are in the console too. */
export const sayShared = say as Say;
