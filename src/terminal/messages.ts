import type { Language } from './language.ts';
import { EN } from './messages/en.ts';
import { PT_BR } from './messages/pt-br.ts';
import { SIMULATE_EN } from './messages/simulate-en.ts';
import { SIMULATE_PT_BR } from './messages/simulate-pt-br.ts';

const ENGLISH = { ...EN, ...SIMULATE_EN };

export type MessageKey = keyof typeof ENGLISH;

/** Every text of the terminal programs; each language has the same keys. */
export const MESSAGES: Readonly<Record<Language, Readonly<Record<MessageKey, string>>>> = {
  en: ENGLISH,
  'pt-BR': { ...PT_BR, ...SIMULATE_PT_BR },
};

/** Says a text, with what stands in `{braces}` filled in. */
export type Say = (key: MessageKey, values?: Readonly<Record<string, string | number>>) => string;

export function createSay(language: Language): Say {
  const messages = MESSAGES[language];
  return (key, values = {}) =>
    messages[key].replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
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
export function sayIfKnown(say: Say, key: string): string | undefined {
  return Object.hasOwn(ENGLISH, key) ? say(key as MessageKey) : undefined;
}
