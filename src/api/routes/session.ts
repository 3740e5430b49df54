import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from '../../accounts/accounts.ts';
import type { Principal } from '../../accounts/principal.ts';
import type { PasswordRefusal } from '../../accounts/user-accounts.ts';
import type { TrustedProxies } from '../../base/forwarding.ts';
import { isFromOwnPage } from '../../base/page-origin.ts';
import { Type } from '../../config/type.ts';
import { showScopes, SignInBodySchema, WhoAmISchema, type WhoAmIResource } from '../account-schemas.ts';
import { stayUntilAnswered } from '../open-requests.ts';
import { RequestRefused } from '../problems.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';
import { CLEARS_PAGES, readSessionCookie, writeSessionCookie } from '../session-cookie-header.ts';

const WhoSchema = {
  operationId: 'whoAmI',
  summary: 'Tells who asks, and what it may',
  tags: ['accounts'],
  response: { 200: WhoAmISchema, ...PROBLEM_RESPONSE },
};
const SignInSchema = {
  operationId: 'signIn',
  summary: 'Signs in a person: the answer sets the cookie by which the browser is known from then on',
  tags: ['accounts'],
  security: [],
  body: SignInBodySchema,
  response: { 200: WhoAmISchema, ...PROBLEM_RESPONSE },
};
const SignOutSchema = {
  operationId: 'signOut',
  summary: 'Signs out',
  tags: ['accounts'],
  security: [],
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

const FOREIGN_PAGE = new RequestRefused('FORBIDDEN', 'A page of another site asked for this.');

/** Signs people in and out. */
export const sessionRoutes: FastifyPluginAsyncTypebox<{
  accounts: Accounts;
  proxies: TrustedProxies;
  /** Pages of services are sandboxed from the first account on. */
  clearsPages: boolean;
}> = async (app, { accounts, proxies, clearsPages }) => {
  const { users, signIns } = accounts;
  const setCookie = (
    request: FastifyRequest,
    reply: FastifyReply,
    secret: string,
    maxAgeMs: number,
  ): void => {
    const isSecure = proxies.isOverTls(request.raw);
    reply.header('set-cookie', writeSessionCookie(secret, { maxAgeMs, isSecure }));
    reply.header('cache-control', 'no-store');
  };
  /** Before somebody else comes: whoever knew the secret of before knows nothing. */
  const endBefore = (request: FastifyRequest, reply: FastifyReply): void => {
    const before = readSessionCookie(request.headers.cookie);
    if (before === undefined) return;
    stayUntilAnswered(request, reply);
    signIns.end(before);
  };

  app.get('/session', { config: { verb: 'any' }, schema: WhoSchema }, async ({ principal }, reply) => {
    reply.header('cache-control', 'no-store');
    return showPrincipal(principal);
  });

  const open = { verb: 'any' as const, isOpenToAll: true };
  const signIn = { ...open, takesPassword: true };
  app.post('/session', { config: signIn, schema: SignInSchema }, async (request, reply) => {
    if (!isFromOwnPage(request.headers)) throw FOREIGN_PAGE;
    const { name, password } = request.body;
    // What is no name here may be a password that was typed too early.
    request.auditTarget = users.get(name)?.name ?? '';
    const verified = await users.verify(name, password, request.address);
    if (!verified.ok) throw refusalOf(verified.failure);
    const { principal, record } = verified.value;
    request.principal = principal;
    const secret = await signIns.open(principal, record.passwordAt);
    endBefore(request, reply);
    setCookie(request, reply, secret, signIns.limits.longestMs);
    if (clearsPages) reply.headers(CLEARS_PAGES);
    return showPrincipal({ ...principal, provenBy: 'session' });
  });

  app.delete('/session', { config: open, schema: SignOutSchema }, async (request, reply) => {
    if (!isFromOwnPage(request.headers)) throw FOREIGN_PAGE;
    endBefore(request, reply);
    setCookie(request, reply, '', 0);
    return reply.code(204).send(null);
  });
};

/** What is told to who does not know a password: never whether there is such a name. */
export function refusalOf(refusal: PasswordRefusal): RequestRefused {
  if (refusal.why === 'wrong') return new RequestRefused('UNAUTHENTICATED', 'Name or password is wrong.');
  const seconds = Math.ceil(refusal.retryAfterMs / 1000);
  return new RequestRefused('TOO_MANY_ATTEMPTS', `Try again in ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
  });
}

function showPrincipal({ id, kind, name, provenBy, roles, scopes }: Principal): WhoAmIResource {
  return { principal: id, kind, name, provenBy, roles: [...roles], scopes: showScopes(scopes) };
}
