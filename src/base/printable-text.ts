// oxlint-disable no-control-regex -- finding control characters is what this file is for
/** What a terminal obeys: controls but tab and line feed. */
export const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** What people may call something, as a pattern of JSON Schema: one line, all of it seen but what joins letters. */
export const ONE_LINE =
  String.raw`^[^\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f` +
  String.raw`\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]*$`;

/**
 * What is not seen, so that a text could look like another: marks that turn the direction or end a line, and all that
 * Unicode lets fonts leave out (spaces of no width, fillers, tags, selectors of variants). Who reads a list of names
 * tells them apart by what is seen.
 *
 * Three stay where people need them, and the text would read otherwise without: joiners between letters of scripts
 * that join them (Persian, Hindi), joiners between two emoji, and the selectors that make a sign an emoji or a text.
 */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu;
const NEEDED = new RegExp(
  [
    String.raw`(?<=[${joiningScripts()}])[\u200c\u200d](?=[${joiningScripts()}])`,
    String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})`,
    String.raw`(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]|\ufe0f(?=\u20e3)`,
  ].join('|'),
  'uy',
);

function joiningScripts(): string {
  const names =
    'Arab Syrc Mand Nkoo Adlm Rohg Mong Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh Tibt Mymr Khmr Java Bali';
  return names
    .split(' ')
    .map((name) => String.raw`\p{Script_Extensions=${name}}`)
    .join('');
}

/**
 * A text from outside, harmless for a terminal: each control character and each that is not seen stands as JSON writes
 * it, `\u001b`. Tabs and ends of lines stay.
 */
export function escapeControls(text: string): string {
  return escapeUnseen(text.replaceAll(CONTROLS, escapeCharacter));
}

/** The same on one line: nothing in it can look like another line. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll(/[\t\n]/g, escapeCharacter);
}

/** A text in which all is seen; what a terminal obeys is left as it is. */
export function escapeUnseen(text: string): string {
  return replaceUnseen(text, (unseen) => unseen.split('').map(escapeCharacter).join(''));
}

/** A text with something else for each character that is not seen and not needed. */
export function replaceUnseen(text: string, replace: (unseen: string) => string): string {
  return text.replaceAll(UNSEEN, (found, offset: number) => {
    NEEDED.lastIndex = offset;
    return NEEDED.test(text) ? found : replace(found);
  });
}

function escapeCharacter(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
