/** The beginning of a text that is kept, in a piece of its own: a slice keeps the whole of what it was cut from. */
export function cutText(text: string, maxCharacters: number): string {
  return text.length > maxCharacters ? Buffer.from(text.slice(0, maxCharacters)).toString() : text;
}
