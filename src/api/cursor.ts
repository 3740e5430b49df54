import { RequestRefused } from './problems.ts';

/*
 * A cursor is the place of the last item of its page in an order that never changes: the next page goes on from there
 * whatever came or went meanwhile.
 */

export function writeCursor(word: string, place: string | number): string {
  return Buffer.from(`${word}:${place}`).toString('base64url');
}

/** @param places - what a place may look like */
export function readCursor(word: string, cursor: string, places = /^[0-9a-z]{1,64}$/): string {
  const place = Buffer.from(cursor, 'base64url')
    .toString()
    .slice(word.length + 1);
  if (writeCursor(word, place) === cursor && places.test(place)) return place;
  throw new RequestRefused('REQUEST_INVALID', 'The cursor is none of this hub: start again without it.');
}
