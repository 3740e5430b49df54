// oxlint-disable no-control-regex -- finding control characters is what this file is for
import { CONTROLS, escapeUnseen, replaceUnseen } from '../../base/printable-text.ts';

/** Ends of the sequences that carry text of their own: titles, links, device control. */
const STRING_SEQUENCE =
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)/g;
/** Colours, cursor movement, modes. */
const CONTROL_SEQUENCE = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]/g;
const SHORT_ESCAPE = /\u001b[ -/]*[0-~]?/g;
/** Accents piled on one another would reach into the lines above and below. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu;

/** Joins what is typed next, or tells how what was typed last looks. */
const TYPED_FIRST = /\u200c|\u200d|\ufe0e|\ufe0f/;

/**
 * Makes a text from outside harmless for a terminal: no escape sequence, no control character, and what is not seen, as
 * a mark that turns the direction of writing, stands as JSON writes it. Line breaks stay, tabs become spaces.
 */
export function cleanText(text: string): string {
  return escapeUnseen(withoutControls(text));
}

/** The same on one line: line breaks become spaces. */
export function cleanLine(text: string): string {
  return cleanText(text).replaceAll('\n', ' ');
}

/** Lines that are told below each other: nothing in one can look like another. */
export function cleanLines(lines: readonly string[]): string {
  return lines.map(cleanLine).join('\n');
}

/** A line that somebody types or pastes: what is not seen was not meant. */
export function cleanTyped(text: string): string {
  const typed = replaceUnseen(withoutControls(text), (unseen) => (TYPED_FIRST.test(unseen) ? unseen : ''));
  return typed.replaceAll('\n', ' ');
}

function withoutControls(text: string): string {
  const wellFormed = text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replaceAll(/[\r\u0085\u2028\u2029]/g, '\n');
  return wellFormed
    .replaceAll(STRING_SEQUENCE, '')
    .replaceAll(CONTROL_SEQUENCE, '')
    .replaceAll(SHORT_ESCAPE, '')
    .replaceAll(CONTROLS, '')
    .replaceAll('\t', '  ')
    .replaceAll(PILED_MARKS, '$1');
}
