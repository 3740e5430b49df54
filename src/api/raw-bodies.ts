import type { FastifyInstance } from 'fastify';
import { findCodingFault } from './body-text.ts';

/** Bodies of the routes of an instance are bytes, whatever their type. */
export function takeBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, ({ headers }, bytes, done) => {
    done(findCodingFault(headers) ?? null, bytes);
  });
}
