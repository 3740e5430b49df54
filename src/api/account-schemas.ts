import type { Static } from 'typebox';
import { ROLES, VERBS, type Scope } from '../accounts/permissions.ts';
import { Type } from '../config/type.ts';
import { givenName, nullable, Time } from './schemas.ts';

/* The shapes of accounts on the wire; those of all else are in schemas.ts. */

const pattern = givenName(64);

const ScopeSchema = Type.Object(
  {
    verbs: Type.Optional(
      Type.Array(Type.Enum([...VERBS]), {
        minItems: 1,
        maxItems: VERBS.length,
        description: 'Without it, all that the roles permit',
      }),
    ),
    devices: Type.Optional(
      Type.Array(pattern, { minItems: 1, maxItems: 100, description: 'Device ids; `*` is any characters' }),
    ),
    tags: Type.Optional(
      Type.Array(pattern, { minItems: 1, maxItems: 100, description: 'Of devices, as people gave them' }),
    ),
    services: Type.Optional(
      Type.Array(pattern, { minItems: 1, maxItems: 100, description: 'Names of services, with `*`' }),
    ),
    topics: Type.Optional(
      Type.Array(givenName(1024), {
        minItems: 1,
        maxItems: 100,
        description: 'Topic Filters of MQTT: to subscribe is to read, to publish is to command',
      }),
    ),
  },
  {
    additionalProperties: false,
    title: 'Scope',
    description:
      'A part of what the roles permit: what it names and nothing else; where it names nothing, all',
  },
);

export type ScopeResource = Static<typeof ScopeSchema>;

const RoleList = Type.Array(Type.Enum([...ROLES]), { maxItems: ROLES.length });
const ScopeList = Type.Array(ScopeSchema, { maxItems: 32, description: 'None: all that the roles permit' });

const AssignedRoles = Type.Array(Type.Enum([...ROLES]), { minItems: 1, maxItems: ROLES.length });

const TokenSchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String({ description: 'What it is for, for people' }),
    roles: RoleList,
    scopes: ScopeList,
    createdAt: Time,
    expiresAt: nullable(Time),
    lastUsedAt: nullable(Type.String({ format: 'date-time', description: 'Kept about once a minute' })),
  },
  { title: 'Token' },
);
export type TokenResource = Static<typeof TokenSchema>;

export const TokenListSchema = Type.Object({ tokens: Type.Array(TokenSchema) }, { title: 'TokenList' });

export const NewTokenBodySchema = Type.Object(
  {
    name: givenName(128, { description: 'What it is for, for people' }),
    roles: AssignedRoles,
    scopes: Type.Optional(ScopeList),
    expiresInSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3_153_600_000, description: 'Without it, it does not expire' }),
    ),
  },
  { additionalProperties: false },
);

export type NewTokenBody = Static<typeof NewTokenBodySchema>;

export const NewTokenSchema = Type.Object(
  { token: Type.String({ description: 'Shown here and never again' }), ...TokenSchema.properties },
  { title: 'NewToken' },
);

export type NewTokenResource = Static<typeof NewTokenSchema>;

export const TokenParams = Type.Object({ tokenId: Type.String({ minLength: 1, maxLength: 64 }) });

export const WhoAmISchema = Type.Object(
  {
    principal: Type.String({ description: '`user:ann`, `token:0123456789ab`, `network`' }),
    kind: Type.String(),
    name: Type.String({ description: 'By which rules call it; empty where it has none' }),
    provenBy: Type.String(),
    roles: Type.Array(Type.String()),
    scopes: ScopeList,
  },
  { title: 'WhoAmI' },
);
export type WhoAmIResource = Static<typeof WhoAmISchema>;

/** Members that are sent to be hashed; longer ones are no passwords. */
const Password = Type.String({ maxLength: 1024 });

export const SignInBodySchema = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 256 }), password: Password },
  { additionalProperties: false },
);

export type SignInBody = Static<typeof SignInBodySchema>;

export const UserSchema = Type.Object(
  { name: Type.String(), roles: RoleList, scopes: ScopeList, createdAt: Time, passwordAt: Time },
  { title: 'User' },
);
export type UserResource = Static<typeof UserSchema>;

export const UserListSchema = Type.Object({ users: Type.Array(UserSchema) }, { title: 'UserList' });

export const NewUserBodySchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64 }),
    password: Password,
    roles: AssignedRoles,
    scopes: Type.Optional(ScopeList),
  },
  { additionalProperties: false },
);

export type NewUserBody = Static<typeof NewUserBodySchema>;

export const UserChangeBodySchema = Type.Object(
  {
    password: Type.Optional(Password),
    currentPassword: Type.Optional(
      Type.String({ maxLength: 1024, description: 'For who changes their own' }),
    ),
    roles: Type.Optional(AssignedRoles),
    scopes: Type.Optional(ScopeList),
  },
  { additionalProperties: false },
);

export type UserChangeBody = Static<typeof UserChangeBodySchema>;

export const UserParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) });

/** Scopes as they are shown: nobody's answer is the record itself. */
export function showScopes(scopes: readonly Scope[]): Static<typeof ScopeList> {
  return structuredClone(scopes) as Static<typeof ScopeList>;
}

const AuditEntrySchema = Type.Object(
  {
    at: Time,
    principal: Type.String(),
    address: Type.String({ description: 'Where it came from; empty for who has the data folder' }),
    action: Type.String({ description: 'The operation of this API' }),
    target: Type.String({ description: 'What it was done to' }),
    status: Type.Integer({ description: 'Of the answer; 499 where the caller left before it' }),
    code: nullable(Type.String({ description: 'Of an error' })),
  },
  { title: 'AuditEntry' },
);
export type AuditEntryResource = Static<typeof AuditEntrySchema>;

export const AuditPageSchema = Type.Object(
  {
    entries: Type.Array(AuditEntrySchema),
    nextCursor: Type.Optional(Type.Integer({ description: 'Absent on the last page' })),
  },
  { title: 'AuditPage' },
);

export type AuditPageResource = Static<typeof AuditPageSchema>;

export const AuditQuerySchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Entries a page' })),
    cursor: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 9_007_199_254_740_991, description: 'As `nextCursor` said' }),
    ),
  },
  { additionalProperties: false },
);
export type AuditWish = Static<typeof AuditQuerySchema>;
