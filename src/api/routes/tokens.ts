import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { TokenRecord } from '../../accounts/account-store.ts';
import type { Accounts } from '../../accounts/accounts.ts';
import { Type } from '../../config/type.ts';
import {
  NewTokenBodySchema,
  NewTokenSchema,
  showScopes,
  TokenListSchema,
  TokenParams,
  type TokenResource,
} from '../account-schemas.ts';
import { stayUntilAnswered } from '../open-requests.ts';
import { RequestRefused } from '../problems.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';

/** Who has a token may do what no other account of theirs has to be asked for: only who says who may what. */
const config = { verb: 'administer' as const };

const ListSchema = {
  operationId: 'listTokens',
  summary: 'Lists the tokens, without their secrets',
  tags: ['accounts'],
  response: { 200: TokenListSchema, ...PROBLEM_RESPONSE },
};
const CreateSchema = {
  operationId: 'createToken',
  summary: 'Makes a token, which is told once',
  tags: ['accounts'],
  body: NewTokenBodySchema,
  response: { 201: NewTokenSchema, ...PROBLEM_RESPONSE },
};
const RevokeSchema = {
  operationId: 'revokeToken',
  summary: 'Takes a token back: its connections end',
  tags: ['accounts'],
  params: TokenParams,
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

/** Tokens of programs, devices and agents. */
export const tokenRoutes: FastifyPluginAsyncTypebox<{ accounts: Accounts }> = async (app, { accounts }) => {
  const { tokens } = accounts;
  app.get('/tokens', { config, schema: ListSchema }, async () => ({ tokens: tokens.list().map(showToken) }));

  app.post('/tokens', { config, schema: CreateSchema }, async (request, reply) => {
    const { name, roles, scopes = [], expiresInSeconds } = request.body;
    const expiresAt = expiresInSeconds === undefined ? undefined : Date.now() + expiresInSeconds * 1000;
    const made = await tokens.create({ name, roles, scopes, expiresAt });
    if (!made.ok) throw new RequestRefused(made.failure.code, made.failure.message);
    request.auditTarget = `${made.value.record.id} ${name}`;
    reply.code(201).header('cache-control', 'no-store');
    return { token: made.value.text, ...showToken(made.value.record) };
  });

  app.delete('/tokens/:tokenId', { config, schema: RevokeSchema }, async (request, reply) => {
    stayUntilAnswered(request, reply);
    const revoked = await tokens.revoke(request.params.tokenId);
    if (!revoked.ok) throw new RequestRefused(revoked.failure.code, revoked.failure.message);
    return reply.code(204).send(null);
  });
};

function showToken({ id, name, roles, scopes, ...times }: TokenRecord): TokenResource {
  const show = (at: number | undefined): string | null =>
    at === undefined ? null : new Date(at).toISOString();
  return {
    id,
    name,
    roles: [...roles],
    scopes: showScopes(scopes),
    createdAt: new Date(times.createdAt).toISOString(),
    expiresAt: show(times.expiresAt),
    lastUsedAt: show(times.lastUsedAt),
  };
}
