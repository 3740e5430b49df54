import type { FastifyInstance } from 'fastify';
import { isDeeperThan, MAX_JSON_DEPTH, parseJson } from '../base/json.ts';
import { readBodyText } from './body-text.ts';
import { RequestRefused } from './problems.ts';

/** To Fastify it would be the same as no body. */
const NULL = new RequestRefused('REQUEST_INVALID', 'The request does not fit: the body must be an object.');
const NOT_JSON = new RequestRefused('REQUEST_INVALID', 'The body is not JSON.');
const TOO_DEEP = new RequestRefused(
  'REQUEST_INVALID',
  `The body is nested deeper than ${MAX_JSON_DEPTH} levels.`,
);
const POISONED = new RequestRefused(
  'REQUEST_INVALID',
  'The body has a member `__proto__`, or a `constructor` with a `prototype`: such names are not taken.',
);
const OTHER_TYPE = new RequestRefused(
  'MEDIA_TYPE_UNSUPPORTED',
  'The body must be JSON: send it with "content-type: application/json".',
  { headers: { accept: 'application/json' } },
);

/**
 * Bodies are JSON. One of no bytes is none, whatever its type: many programs name a type and send nothing.
 *
 * @param isInput - a body is the input of a command, which may be any value: routes get it as `{ input }`
 */
export function parseJsonBodies(app: FastifyInstance, { isInput = false } = {}): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    if (bytes.length === 0 || request.is404) return done(null);
    const read = readBodyText(request.headers, bytes);
    if (!read.ok) return done(read.failure);
    if (isDeeperThan(read.value, MAX_JSON_DEPTH)) return done(TOO_DEEP);
    void parse(request, read.value, (error, value) => {
      if (error !== null) done(parseJson(read.value) === undefined ? NOT_JSON : POISONED);
      else if (isInput) done(null, { input: value });
      else done(value === null ? NULL : null, value);
    });
  });
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, bytes, done) => {
    done(bytes.length === 0 || request.is404 ? null : OTHER_TYPE);
  });
}
