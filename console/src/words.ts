import { computed } from '@preact/signals';
import type { Language } from '../../src/terminal/language.ts';
import { CALL_MESSAGES } from '../../src/terminal/messages/call-messages.ts';
import { PAGE_MESSAGES } from '../../src/terminal/messages/page-messages.ts';
import type { Say } from '../../src/terminal/messages.ts';
import { CONSOLE_MESSAGES } from './messages.ts';
import { language } from './settings.ts';

const MESSAGES = { ...PAGE_MESSAGES, ...CALL_MESSAGES, ...CONSOLE_MESSAGES };
export type ConsoleMessage = keyof typeof MESSAGES;
type Values = Readonly<Record<string, string | number>>;

const PLACE = /\{(\w+)(?:\|([^|}]+)\|([^|}]+))?\}/g;

/** Fills the places of a text, as the terminal's `Say` does; markup is nothing to a page, which shows text. */
function fill(text: string, values: Values): string {
  return text.replaceAll(PLACE, (whole, name: string, one?: string, other?: string) => {
    if (one === undefined || other === undefined) return String(values[name] ?? whole);
    return Number(values[name]) === 1 ? one : other;
  });
}

const current = computed(
  () =>
    (key: ConsoleMessage, values: Values = {}): string =>
      fill(pick(MESSAGES[key], language.value), values),
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
