import type { Static } from 'typebox';
import { Type } from '../config/type.ts';
import { EventWishSchema } from './event-schemas.ts';
import { givenName, nullable, Time } from './schemas.ts';

const MAX_URL_CHARACTERS = 2048;
const MAX_TITLE_CHARACTERS = 200;

const Url = Type.String({
  minLength: 1,
  maxLength: MAX_URL_CHARACTERS,
  description: 'Where to post: https:// or http://',
});
const Events = Type.Object(EventWishSchema.properties, {
  additionalProperties: false,
  description: 'Which events, as in the query of `/api/v1/events`; all where nothing is said',
});

export const NewWebhookBodySchema = Type.Object(
  {
    url: Url,
    title: Type.Optional(givenName(MAX_TITLE_CHARACTERS)),
    events: Type.Optional(Events),
  },
  { additionalProperties: false },
);
export type NewWebhookBody = Static<typeof NewWebhookBodySchema>;

export const WebhookChangeBodySchema = Type.Object(
  {
    url: Type.Optional(Url),
    title: Type.Optional(givenName(MAX_TITLE_CHARACTERS)),
    events: Type.Optional(Events),
    status: Type.Optional(
      Type.Enum(['active', 'paused'], { description: '`active` goes on, also one that was given up' }),
    ),
    newSecret: Type.Optional(
      Type.Boolean({ description: 'Sign with a new secret from now on, which the answer tells' }),
    ),
  },
  { additionalProperties: false },
);
export type WebhookChangeBody = Static<typeof WebhookChangeBodySchema>;

export const WebhookParams = Type.Object({ webhookId: Type.String({ minLength: 1, maxLength: 64 }) });

const webhook = {
  id: Type.String(),
  url: Type.String(),
  title: nullable(Type.String()),
  events: Events,
  status: Type.Enum(['active', 'failing', 'paused', 'dead'], {
    description: '`failing`: it is tried again; `dead`: it was given up, until it is made `active`',
  }),
  createdBy: Type.String({ description: 'The principal that made it' }),
  createdAt: Time,
  deliveredAt: nullable(Time),
  lastFailure: nullable(
    Type.Object({
      time: Time,
      attempts: Type.Integer({ description: 'Tries since it went well last' }),
      status: nullable(Type.Integer({ description: 'Of the answer; null where none came' })),
      detail: Type.String(),
    }),
  ),
  nextAttemptAt: nullable(Time),
};

export const WebhookSchema = Type.Object(
  {
    ...webhook,
    secret: Type.Optional(
      Type.String({ description: 'What deliveries are signed with: told when it is made, and never again' }),
    ),
  },
  { title: 'Webhook' },
);
export type WebhookResource = Static<typeof WebhookSchema>;

export const WebhookListSchema = Type.Object(
  { webhooks: Type.Array(WebhookSchema) },
  { title: 'WebhookList' },
);
