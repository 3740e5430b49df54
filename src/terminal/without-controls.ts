/**
 * Takes out of a text what could move the cursor, change colours or turn the direction of writing: names of songs
 * and reasons of hubs come from elsewhere.
 */
export function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ');
}
