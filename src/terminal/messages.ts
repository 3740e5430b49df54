import type { Language } from './language.ts';
import { CALL_MESSAGES } from './messages/call-messages.ts';
import { fillPlaces, type Values } from './messages/fill-places.ts';
import { PAGE_MESSAGES } from './messages/page-messages.ts';
import { PLAIN_MESSAGES } from './messages/plain-messages.ts';
import { SIMULATE_MESSAGES } from './messages/simulate-messages.ts';
import { cleanLine } from './ui/clean-text.ts';

/** Every text of the terminal programs, in each language. */
export const MESSAGES = {
  ...PAGE_MESSAGES,
  ...CALL_MESSAGES,
  ...PLAIN_MESSAGES,
  ...SIMULATE_MESSAGES,
} satisfies Readonly<Record<string, readonly [en: string, ptBr: string]>>;

export type MessageKey = keyof typeof MESSAGES;

/**
 * Says a text, with what stands in `{braces}` filled in: what others say stays within its line.
 */
export type Say = (key: MessageKey, values?: Values) => string;

export function createSay(language: Language): Say {
  return (key, values = {}) => {
    const [english, portuguese] = MESSAGES[key];
    const text = language === 'en' ? english : portuguese;
    return fillPlaces(text, values, cleanLine);
  };
}

/** A number as people of the language write it: `23.6`, `23,6`. */
export function sayNumber(say: Say, text: string): string {
  return text.replace('.', say('number.point'));
}

/** Says a text about what a hub or device said; undefined when it said something that this version does not know. */
export function sayIfKnown(say: Say, key: string, values?: Values): string | undefined {
  return Object.hasOwn(MESSAGES, key) ? say(key as MessageKey, values) : undefined;
}
