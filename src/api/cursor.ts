import { RequestRefused } from './problems.ts';

/*
 * A cursor is the place of the last item of its page in an order that never changes: the next page goes on from there
 * whatever came or went meanwhile.
 */

export function writeCursor(word: string, place: string | number): string {
  return Buffer.from(`${word}:${place}`).toString('base64url');
}

export function readCursor(word: string, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const place = text.slice(word.length + 1);
  if (text === `${word}:${place}` && /^[0-9a-z]{1,64}$/.test(place)) return place;
  throw new RequestRefused('REQUEST_INVALID', 'The cursor is none of this hub: start again without it.');
}
