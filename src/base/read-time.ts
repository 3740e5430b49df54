/** RFC 3339, years 1970 to 9999. */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A time of RFC 3339 since 1970 as wall time in ms; undefined when it is none. */
export function readTime(value: unknown): number | undefined {
  if (typeof value !== 'string' || !RFC_3339.test(value)) return undefined;
  const time = Date.parse(value);
  return time >= 0 ? time : undefined;
}
