/** RFC 3454 table B.1: commonly mapped to nothing. */
const MAPPED_TO_NOTHING =
  /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200b-\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** Table C.1.2: spaces that are not ASCII. */
const OTHER_SPACES = /(?! )\p{Zs}/gu;
/** Tables C.2.1 to C.5: control, private use, non-character and surrogate. */
const NO_CHARACTER = /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u{1d173}-\u{1d17a}]/u;
/** Tables C.6 to C.9, and the rest of C.2.2: what has no place in plain text, or changes how others are shown. */
const NO_PLAIN_TEXT =
  /[\u200e-\u200f\u2028-\u202e\u2061-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{e0001}\u{e0020}-\u{e007f}]/u;

/**
 * Prepares a user name or password as SCRAM compares them (RFC 4013): without invisible characters, every space the
 * same, compatible characters as one (NFKC). The rules on mixed writing directions are not applied, which refuses
 * less than others may; printable ASCII stays as it is.
 *
 * @returns undefined when a character is prohibited, or nothing is left
 */
export function saslPrep(text: string): string | undefined {
  const mapped = text.replaceAll(OTHER_SPACES, ' ').replaceAll(MAPPED_TO_NOTHING, '').normalize('NFKC');
  return mapped === '' || NO_CHARACTER.test(mapped) || NO_PLAIN_TEXT.test(mapped) ? undefined : mapped;
}
