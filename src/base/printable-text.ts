/** Controls beyond ASCII, and marks that turn the direction: a text could look like another. */
const MARKS = String.raw`\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff`;
/** These, and the controls of ASCII but tab and line feed. */
export const CONTROLS = new RegExp(String.raw`[\u0000-\u0008\u000b-\u001f${MARKS}]`, 'g');
/** What people may call something, as a pattern of JSON Schema: one line, without any of these. */
export const ONE_LINE = String.raw`^[^\u0000-\u001f${MARKS}]*$`;

/**
 * A text from outside, harmless for a terminal: each control character stands as JSON writes it, `\u001b`. Tabs and ends
 * of lines stay.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(CONTROLS, escapeCharacter);
}

/** The same on one line: nothing in it can look like another line. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll(/[\t\n]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
