import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import type { AccountFailure } from '../../accounts/account-failure.ts';
import type { UserRecord } from '../../accounts/account-store.ts';
import type { Accounts } from '../../accounts/accounts.ts';
import { may } from '../../accounts/permissions.ts';
import type { Result } from '../../base/result.ts';
import { Type } from '../../config/type.ts';
import {
  NewUserBodySchema,
  showScopes,
  UserChangeBodySchema,
  UserListSchema,
  UserParams,
  UserSchema,
  type UserResource,
} from '../account-schemas.ts';
import { stayUntilAnswered } from '../open-requests.ts';
import { RequestRefused } from '../problems.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';
import { refusalOf } from './session.ts';

const config = { verb: 'administer' as const };
const CHANGE = { verb: 'any' as const, takesPassword: true };

const ListSchema = {
  operationId: 'listUsers',
  summary: 'Lists the users',
  tags: ['accounts'],
  response: { 200: UserListSchema, ...PROBLEM_RESPONSE },
};
const CreateSchema = {
  operationId: 'createUser',
  summary: 'Makes a user',
  tags: ['accounts'],
  body: NewUserBodySchema,
  response: { 201: UserSchema, ...PROBLEM_RESPONSE },
};
const GetSchema = {
  operationId: 'getUser',
  summary: 'Describes a user',
  tags: ['accounts'],
  params: UserParams,
  response: { 200: UserSchema, ...PROBLEM_RESPONSE },
};
const ChangeSchema = {
  operationId: 'changeUser',
  summary: 'Changes what a user may, or the password; whoever is there as this user has to come anew',
  tags: ['accounts'],
  params: UserParams,
  body: UserChangeBodySchema,
  response: { 200: UserSchema, ...PROBLEM_RESPONSE },
};
const RemoveSchema = {
  operationId: 'removeUser',
  summary: 'Removes a user, whose connections and sessions end',
  tags: ['accounts'],
  params: UserParams,
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

/** People. */
export const userRoutes: FastifyPluginAsyncTypebox<{ accounts: Accounts }> = async (app, { accounts }) => {
  const { users } = accounts;
  app.get('/users', { config, schema: ListSchema }, async () => ({ users: users.list().map(showUser) }));

  app.post(
    '/users',
    { config: { ...config, takesPassword: true }, schema: CreateSchema },
    async (request, reply) => {
      request.auditTarget = request.body.name;
      const made = await users.create({ scopes: [], ...request.body });
      reply.code(201);
      return showUser(orThrow(made));
    },
  );

  app.get('/users/:name', { config, schema: GetSchema }, async (request) => {
    const user = users.get(request.params.name);
    if (user === undefined)
      throw new RequestRefused('USER_UNKNOWN', `There is no user ${request.params.name}.`);
    return showUser(user);
  });

  app.patch('/users/:name', { config: CHANGE, schema: ChangeSchema }, async (request, reply) => {
    const { currentPassword, ...change } = request.body;
    const { name } = request.params;
    await checkChange(accounts, request, { name, currentPassword, members: Object.keys(change) });
    stayUntilAnswered(request, reply);
    return showUser(orThrow(await users.change(name, change)));
  });

  app.delete('/users/:name', { config, schema: RemoveSchema }, async (request, reply) => {
    stayUntilAnswered(request, reply);
    orThrow(await users.remove(request.params.name));
    return reply.code(204).send(null);
  });
};

type WantedChange = {
  readonly name: string;
  readonly currentPassword: string | undefined;
  readonly members: readonly string[];
};

/** Everybody may change their own password and must know it: a browser that was left alone is not enough. */
async function checkChange(
  { users }: Accounts,
  { principal, address }: FastifyRequest,
  { name, currentPassword, members }: WantedChange,
): Promise<void> {
  const isOwn = principal.kind === 'user' && users.get(name)?.name === principal.name;
  const hasPassword = members.includes('password');
  if (!may(principal, 'administer') && !(isOwn && hasPassword && members.length === 1))
    throw new RequestRefused('FORBIDDEN', 'This account may change its own password, and nothing else here.');
  if (!isOwn || !hasPassword) return;
  const verified = await users.verify(principal.name, currentPassword ?? '', address);
  if (!verified.ok) throw refusalOf(verified.failure);
}

function orThrow<T>(result: Result<T, AccountFailure>): T {
  if (result.ok) return result.value;
  throw new RequestRefused(result.failure.code, result.failure.message);
}

function showUser({ name, roles, scopes, createdAt, passwordAt }: UserRecord): UserResource {
  const times = {
    createdAt: new Date(createdAt).toISOString(),
    passwordAt: new Date(passwordAt).toISOString(),
  };
  return { name, roles: [...roles], scopes: showScopes(scopes), ...times };
}
