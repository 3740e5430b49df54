import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { WhoAmISchema, type WhoAmIResource } from '../account-schemas.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';

const WhoSchema = {
  operationId: 'whoAmI',
  summary: 'Tells who asks, and what it may',
  tags: ['accounts'],
  response: { 200: WhoAmISchema, ...PROBLEM_RESPONSE },
};

/** Who asks. */
export const sessionRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/session', { config: { verb: 'any' }, schema: WhoSchema }, async ({ principal }, reply) => {
    const { id, kind, provenBy, roles, scopes } = principal;
    reply.header('cache-control', 'no-store');
    const answer: WhoAmIResource = {
      principal: id,
      kind,
      provenBy,
      roles: [...roles],
      scopes: structuredClone(scopes) as WhoAmIResource['scopes'],
    };
    return answer;
  });
};
