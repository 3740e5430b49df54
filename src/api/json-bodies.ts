import { errorCodes, type FastifyInstance } from 'fastify';
import { RequestRefused } from './problems.ts';

/** To Fastify it would be the same as no body. */
const NULL = new RequestRefused('REQUEST_INVALID', 'The request does not fit: body must be object.');

/** Bodies are JSON. One of no bytes is none, whatever its type: many programs name a type and send nothing. */
export function parseJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '' || request.is404) done(null);
    else void parse(request, body, (error, value) => done(error ?? (value === null ? NULL : null), value));
  });
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0 || request.is404) done(null);
    else done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE());
  });
}
