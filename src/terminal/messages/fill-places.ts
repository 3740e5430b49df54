/** What stands in the `{braces}` of a text. */
export type Values = Readonly<Record<string, string | number>>;

const PLACE = /\{(\w+)(?:\|([^|}]+)\|([^|}]+))?\}/g;

/**
 * Fills the places of a text. `{count|device|devices}` is the one word where `count` is 1, and else the other.
 *
 * @param show - has what others say be safe where it is shown
 */
export function fillPlaces(text: string, values: Values, show: (value: string) => string): string {
  return text.replaceAll(PLACE, (whole, name: string, one?: string, other?: string) => {
    if (one === undefined || other === undefined) return show(String(values[name] ?? whole));
    return Number(values[name]) === 1 ? one : other;
  });
}
