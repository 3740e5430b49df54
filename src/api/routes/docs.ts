import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gzip as gzipNow } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { RequestRefused } from '../problems.ts';
import { PAGE_HEADERS } from './page-headers.ts';

const gzip = promisify(gzipNow);
/** What draws the page. It is an optional part of the package. */
const LIBRARY = '@fastify/swagger-ui';
const TYPES = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
} as const;

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Recado: the HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="swagger-ui.css">
<nav><a href=".">The API</a> · <a href="?devices">The devices that are here</a></nav>
<div id="docs"></div>
<script src="swagger-ui-bundle.js"></script>
<script type="module" src="start.js"></script>
</html>
`;
/** Whoever has not signed in may not read the description, which only the hub knows. */
const START = `const place = document.getElementById('docs');
// ?devices: the commands of live devices, each with its own schemas.
const file = new URLSearchParams(location.search).has('devices') ? 'openapi/devices.json' : 'openapi.json';
const answer = await fetch('../' + file);
if (answer.ok) {
  // Behind a prefix of a proxy too.
  const servers = [{ url: new URL('..', location.href.replace(/[?#].*/s, '')).href.replace(/\\/$/, '') }];
  const spec = { ...(await answer.json()), servers };
  SwaggerUIBundle({ spec, domNode: place, deepLinking: true, tryItOutEnabled: true, validatorUrl: null });
} else {
  const link = Object.assign(document.createElement('a'), { href: '../ui/', textContent: 'the console' });
  place.append(\`The description of the API was not given (\${answer.status}). Sign in at \`, link, ', and load this page again.');
}
`;
const POLICY = 'content-security-policy';
/** The library has its pictures in its styles. */
const HEADERS = { ...PAGE_HEADERS, [POLICY]: PAGE_HEADERS[POLICY].replace('img-src', 'img-src data:') };
const OPEN = { config: { verb: 'any', isOpenToAll: true }, schema: { hide: true } } as const;

/** A page to read the API on, and to try it. What it does it does as whoever looks at it. */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  app.get('/docs', OPEN, async (_request, reply) => reply.redirect('docs/'));
  app.get('/docs/', OPEN, async (_request, reply) => {
    fileOf('swagger-ui.css');
    return reply.headers(HEADERS).send(PAGE);
  });
  app.get('/docs/start.js', OPEN, async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(START),
  );
  for (const [name, type] of Object.entries(TYPES)) {
    app.get(`/docs/${name}`, OPEN, async (_request, reply) =>
      reply
        .type(type)
        .header('content-encoding', 'gzip')
        .header('cache-control', 'public, max-age=86400')
        .send(await gzip(await readFile(fileOf(name)))),
    );
  }
}

/** @throws {RequestRefused} `ROUTE_UNKNOWN` where the library was left out */
function fileOf(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(`${LIBRARY}/static/${name}`);
  } catch (cause) {
    const message = `The page at /docs is an optional part: npm install ${LIBRARY} adds it. /openapi.json has the same for programs.`;
    throw new RequestRefused('ROUTE_UNKNOWN', message, { cause });
  }
}
