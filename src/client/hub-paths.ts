import { HubAnswerError } from './errors.ts';
import type { CallOptions } from './hub-request.ts';

/** A name as one segment of a path. @param what - what it is, for who gave one that names nothing */
export function pathSegment(name: string, what: string): string {
  // The URL parser resolves these away, even percent-encoded: the request would go to another address.
  if (name === '' || name === '.' || name === '..')
    throw new TypeError(`"${name}" is no ${what}: it names nothing.`);
  return encodeURIComponent(name.toWellFormed());
}

/** The options of a list as a query, with its `?`; empty where there are none. */
export function listQuery({ signal: _signal, ...members }: CallOptions & ListOptions): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members))
    if (typeof value === 'number' || (typeof value === 'string' && value !== '')) query.set(name, `${value}`);
  return query.size === 0 ? '' : `?${query.toString()}`;
}

type ListOptions = { readonly [name: string]: string | number | AbortSignal | undefined };

/**
 * All pages of a list, each when the one before was taken.
 *
 * @param url - of the hub
 * @param first - the cursor to begin at
 */
export async function* eachPage<Cursor, Page extends { readonly nextCursor?: Cursor | undefined }>(
  url: string,
  list: (cursor: Cursor | undefined) => Promise<Page>,
  first: Cursor | undefined,
): AsyncGenerator<Page, void, void> {
  let cursor = first;
  for (;;) {
    const page = await list(cursor);
    yield page;
    if (page.nextCursor === undefined) return;
    if (page.nextCursor === cursor) {
      const detail = 'names the same next page again and again';
      throw new HubAnswerError({ url, status: 200, detail, safeToRetry: true });
    }
    cursor = page.nextCursor;
  }
}
