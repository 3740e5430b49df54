import type { Language } from './language.ts';
import { CALL_MESSAGES } from './messages/call-messages.ts';
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

/** Says a text, with what stands in `{braces}` filled in: what others say stays within its line. */
export type Say = (key: MessageKey, values?: Readonly<Record<string, string | number>>) => string;

export function createSay(language: Language): Say {
  return (key, values = {}) => {
    const [english, portuguese] = MESSAGES[key];
    const text = language === 'en' ? english : portuguese;
    return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => cleanLine(String(values[name] ?? whole)));
  };
}

/** A number as people of the language write it: `23.6`, `23,6`. */
export function sayNumber(say: Say, text: string): string {
  return text.replace('.', say('number.point'));
}

/** Keys of which there is one text for one thing and one for any other number. */
type CountedKey = MessageKey extends infer K ? (K extends `${infer Stem}.one` ? Stem : never) : never;

/** Says how many: `{count}` is filled in. */
export function sayCount(
  say: Say,
  key: CountedKey,
  count: number,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return say(`${key}.${count === 1 ? 'one' : 'other'}` as MessageKey, { ...values, count });
}

/** Says a text about what a hub or device said; undefined when it said something that this version does not know. */
export function sayIfKnown(
  say: Say,
  key: string,
  values?: Readonly<Record<string, string | number>>,
): string | undefined {
  return Object.hasOwn(MESSAGES, key) ? say(key as MessageKey, values) : undefined;
}
