/** How long a caller wants to wait before it is told where to look (RFC 7240). */
export type WaitPreference = {
  readonly waitMs: number;
  /** As `Preference-Applied` says it. */
  readonly applied: string;
};

/** `respond-async` and `wait=N` of a `Prefer` header; undefined where it has neither. Of two of a kind the first counts. */
export function readWaitPreference(
  header: string | readonly string[] | undefined,
): WaitPreference | undefined {
  if (header === undefined) return undefined;
  let isAsync = false;
  let seconds: number | undefined;
  for (const preference of [header].flat().join(',').split(',')) {
    const [, name = '', value = ''] =
      /^\s*([\w-]+)\s*(?:=\s*"?(\d{1,6})"?)?\s*(?:;.*)?$/.exec(preference) ?? [];
    if (name.toLowerCase() === 'respond-async') isAsync = true;
    else if (name.toLowerCase() === 'wait' && value !== '') seconds ??= Number(value);
  }
  if (!isAsync && seconds === undefined) return undefined;
  const applied = [isAsync ? 'respond-async' : '', seconds === undefined ? '' : `wait=${seconds}`];
  return { waitMs: (seconds ?? 0) * 1000, applied: applied.filter((each) => each !== '').join(', ') };
}
