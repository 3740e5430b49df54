import { cutText } from '../base/cut-text.ts';

const MAX_NAME_CHARACTERS = 64;
/** In another spelling a name has at most three characters for one; who tries longer ones is nobody. */
const MAX_TRIED_CHARACTERS = 256;
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._@+-]*)$/u;

/** Letters and marks among them, such as U+1160 and U+FE0F, that nobody sees. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;

/** How a name is compared: its letters in one spelling and one case, so that nobody comes as what looks the same. */
export function userKey(name: string): string {
  return cutText(name, MAX_TRIED_CHARACTERS).normalize('NFKC').toLowerCase();
}

/** What is wrong with the name of a new user; undefined where nothing is. */
export function findNameFault(name: string): string | undefined {
  if (name !== name.normalize('NFKC')) return 'The name has characters in an unusual spelling: type it anew.';
  if (name.length > MAX_NAME_CHARACTERS) return `The name has more than ${MAX_NAME_CHARACTERS} characters.`;
  return NAME.test(name) && !INVISIBLE.test(name)
    ? undefined
    : 'A name begins with a letter or a digit, and has these and . _ @ + - only.';
}

/** Fewer are soon found by trying. */
const MIN_PASSWORD_CHARACTERS = 8;
const MAX_PASSWORD_BYTES = 1024;

/** A password as it is hashed: the same from every keyboard. */
export function passwordBytes(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'));
}

/** What is wrong with a new password, which the answer never repeats. */
export function findPasswordFault(password: string): string | undefined {
  if (password.length < MIN_PASSWORD_CHARACTERS)
    return `A password has at least ${MIN_PASSWORD_CHARACTERS} characters.`;
  if (passwordBytes(password).length > MAX_PASSWORD_BYTES)
    return `A password has at most ${MAX_PASSWORD_BYTES} bytes.`;
  return undefined;
}
