import { readdir, readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CONSOLE_PAGES } from '../console-pages.ts';
import { PAGE_HEADERS } from './page-headers.ts';

/** Where the build puts the pages, seen from the sources and from what is built of them alike. */
const FOLDER = new URL('../../../dist/console/', import.meta.url);
const PAGES = ['', ...CONSOLE_PAGES].map((path) => `/ui/${path}`);
const BASE = '<base href="/ui/" />';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
const ENCODINGS = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
];
/** Whoever asks sees the pages: what is in them they ask the API for, which knows who may. */
const OPEN = {
  config: { verb: 'any', isOpenToAll: true, isForBrowsers: true },
  schema: { hide: true },
} as const;

/** The web console, where it has been built. Its pages are one file, and each begins where its address says. */
export async function consoleRoutes(app: FastifyInstance): Promise<void> {
  const page = await readFile(new URL('index.html', FOLDER), 'utf8').catch(() => undefined);
  if (page === undefined) return;
  const names = new Set(await readdir(new URL('assets/', FOLDER)));

  // Of programs it is asked who they are, as at any address that is none.
  const config = { ...OPEN.config, isOpenToAll: wantsPage };
  app.get('/', { ...OPEN, config }, async (request, reply) => {
    if (!wantsPage(request)) return reply.callNotFound();
    // Relative, for who stands behind a prefix.
    return reply.code(302).header('vary', 'accept').header('cache-control', 'no-cache').redirect('ui/');
  });
  for (const address of PAGES) {
    app.get(address, OPEN, async (request, reply) =>
      reply.headers(PAGE_HEADERS).send(page.replace(BASE, `<base href="${baseOf(request.url)}" />`)),
    );
  }
  app.get<{ Params: { name: string } }>('/ui/assets/:name', OPEN, async ({ params, headers }, reply) => {
    if (!names.has(params.name)) return reply.callNotFound();
    return sendAsset(reply, params.name, { names, accepted: headers['accept-encoding'] ?? '' });
  });
}

/** `/ui/devices/pump` → `../`: from there to `/ui/`. */
function baseOf(url: string): string {
  const { length } = url.replace(/\?.*$/s, '').split('/');
  return length <= 3 ? './' : '../'.repeat(length - 3);
}

/** Browsers name pages when somebody opens an address; programs do not. */
function wantsPage({ headers: { accept = '' } }: FastifyRequest): boolean {
  return /(?:^|,)\s*text\/html\s*(?:;\s*q=(?:1|0\.0*[1-9])[^,]*)?(?:,|$)/i.test(accept);
}

async function sendAsset(
  reply: FastifyReply,
  name: string,
  { names, accepted }: { names: ReadonlySet<string>; accepted: string },
): Promise<FastifyReply> {
  const encoding = ENCODINGS.find(
    (each) =>
      names.has(name + each.suffix) &&
      new RegExp(`\\b${each.name}\\b(?!\\s*;\\s*q=0(?:\\.0*)?(?:,|$))`).test(accepted),
  );
  if (encoding !== undefined) reply.header('content-encoding', encoding.name);
  const bytes = await readFile(new URL(`assets/${name}${encoding?.suffix ?? ''}`, FOLDER));
  return reply
    .header('content-type', TYPES[name.replace(/^.*\./s, '')] ?? 'application/octet-stream')
    .header('cache-control', 'public, max-age=31536000, immutable')
    .header('x-content-type-options', 'nosniff')
    .header('vary', 'accept-encoding')
    .send(bytes);
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A page: programs are told nothing of it. */
    isForBrowsers?: boolean;
  }
}
