import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import { version } from '../base/version.ts';
import { COMPILERS } from './validator.ts';

/**
 * The description of the API for `/openapi.json`, as JSON, made from routes of an instance that never listens: a hub
 * that is not asked for it goes without what describes, and without the library that does.
 */
export async function describeApi(registerRoutes: (app: FastifyInstance) => Promise<void>): Promise<string> {
  const app = Fastify({ exposeHeadRoutes: false, schemaController: COMPILERS });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Recado',
        version,
        description: 'Devices behind one HTTP address: list, describe, command, observe.',
      },
    },
  });
  await registerRoutes(app);
  await app.ready();
  return JSON.stringify(app.swagger());
}
