import type { Static } from 'typebox';
import { ROLES, VERBS } from '../accounts/permissions.ts';
import { Type } from '../config/type.ts';

/* The shapes of accounts on the wire; those of all else are in schemas.ts. */

const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC, with milliseconds' });
const pattern = Type.String({ minLength: 1, maxLength: 64 });

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
    services: Type.Optional(
      Type.Array(pattern, { minItems: 1, maxItems: 100, description: 'Names of services, likewise' }),
    ),
  },
  {
    additionalProperties: false,
    title: 'Scope',
    description: 'A part of what the roles permit: with devices or services, these and nothing else',
  },
);

const RoleList = Type.Array(Type.Enum([...ROLES]), { maxItems: ROLES.length });
const ScopeList = Type.Array(ScopeSchema, { maxItems: 32, description: 'None: all that the roles permit' });

const TokenSchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String({ description: 'What it is for, for people' }),
    roles: RoleList,
    scopes: ScopeList,
    createdAt: Time,
    expiresAt: Type.Union([Time, Type.Null()]),
    lastUsedAt: Type.Union([Time, Type.Null()], { description: 'Kept about once a minute' }),
  },
  { title: 'Token' },
);
export type TokenResource = Static<typeof TokenSchema>;

export const TokenListSchema = Type.Object({ tokens: Type.Array(TokenSchema) }, { title: 'TokenList' });

export const NewTokenBodySchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128, description: 'What it is for, for people' }),
    roles: Type.Array(Type.Enum([...ROLES]), { minItems: 1, maxItems: ROLES.length }),
    scopes: Type.Optional(ScopeList),
    expiresInSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3_153_600_000, description: 'Without it, it does not expire' }),
    ),
  },
  { additionalProperties: false },
);

export const NewTokenSchema = Type.Object(
  { token: Type.String({ description: 'Shown here and never again' }), ...TokenSchema.properties },
  { title: 'NewToken' },
);

export const TokenParams = Type.Object({ tokenId: Type.String({ minLength: 1, maxLength: 64 }) });

export const WhoAmISchema = Type.Object(
  {
    principal: Type.String({ description: '`user:ann`, `token:0123456789ab`, `network`' }),
    kind: Type.String(),
    provenBy: Type.String(),
    roles: Type.Array(Type.String()),
    scopes: ScopeList,
  },
  { title: 'WhoAmI' },
);
export type WhoAmIResource = Static<typeof WhoAmISchema>;
