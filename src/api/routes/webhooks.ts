import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { may } from '../../accounts/permissions.ts';
import { Type } from '../../config/type.ts';
import type { WebhookRecord } from '../../devices/webhook-store.ts';
import { RequestRefused } from '../problems.ts';
import { showTime } from '../resources.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';
import {
  NewWebhookBodySchema,
  WebhookChangeBodySchema,
  WebhookListSchema,
  WebhookParams,
  WebhookSchema,
  type WebhookResource,
} from '../webhook-schemas.ts';
import { statusOf } from '../webhooks/webhook-status.ts';
import { makeSecret, showSecret } from '../webhooks/sign-webhook.ts';
import type { WebhookDelivery } from '../webhooks/webhook-delivery.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';

/** They tell others what happens, and their addresses may hold secrets: also to read them is to manage. */
const config = { verb: 'manage' as const };
const one = { params: WebhookParams, tags: ['webhooks'] };

const ListSchema = {
  operationId: 'listWebhooks',
  summary: 'Lists the webhooks, without their secrets',
  tags: ['webhooks'],
  response: { 200: WebhookListSchema, ...PROBLEM_RESPONSE },
};
const GetSchema = {
  ...one,
  operationId: 'getWebhook',
  summary: 'Tells of one webhook, and why it failed last',
  response: { 200: WebhookSchema, ...PROBLEM_RESPONSE },
};
const CreateSchema = {
  operationId: 'createWebhook',
  summary: 'Has events of devices posted to an address; the secret that they are signed with is told once',
  tags: ['webhooks'],
  body: NewWebhookBodySchema,
  response: { 201: WebhookSchema, ...PROBLEM_RESPONSE },
};
const ChangeSchema = {
  ...one,
  operationId: 'changeWebhook',
  summary: 'Changes a webhook, pauses it, or revives one that was given up',
  body: WebhookChangeBodySchema,
  response: { 200: WebhookSchema, ...PROBLEM_RESPONSE },
};
const RemoveSchema = {
  ...one,
  operationId: 'removeWebhook',
  summary: 'Ends a webhook',
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

/** Programs elsewhere that are told by HTTP what happens at devices. */
export const webhookRoutes: FastifyPluginAsyncTypebox<{ webhooks: Webhooks }> = async (app, { webhooks }) => {
  app.get('/webhooks', { config, schema: ListSchema }, async () => ({
    webhooks: (await webhooks.list()).map(showWebhook),
  }));

  app.get('/webhooks/:webhookId', { config, schema: GetSchema }, async ({ params }) =>
    showWebhook(await webhooks.get(params.webhookId)),
  );

  app.post('/webhooks', { config, schema: CreateSchema }, async (request, reply) => {
    checkReader(request);
    const { url, title, events = {} } = request.body;
    const wish = { url, events: { ...events }, ...(title !== undefined && { title }) };
    const made = await webhooks.create(wish, request.principal.id);
    const { id } = made.record;
    request.auditTarget = id;
    reply.code(201).header('location', `/api/v1/webhooks/${id}`);
    return tellOnce(reply, made);
  });

  app.patch('/webhooks/:webhookId', { config, schema: ChangeSchema }, async (request, reply) => {
    checkReader(request);
    const { newSecret = false, events, ...wish } = request.body;
    const change = { ...wish, ...(events !== undefined && { events: { ...events } }) };
    const secret = newSecret ? makeSecret() : undefined;
    const changed = await webhooks.change(request.params.webhookId, change, secret);
    return newSecret ? tellOnce(reply, changed) : showWebhook(changed);
  });

  app.delete('/webhooks/:webhookId', { config, schema: RemoveSchema }, async ({ params }, reply) => {
    await webhooks.remove(params.webhookId);
    return reply.code(204).send(null);
  });
};

/** Throws `FORBIDDEN` for who would be told by it what it may not read. */
function checkReader({ principal }: FastifyRequest): void {
  if (!may(principal, 'read'))
    throw new RequestRefused('FORBIDDEN', 'This account may not do this: it would have to read everything.');
}

function tellOnce(reply: FastifyReply, delivery: WebhookDelivery): WebhookResource {
  reply.header('cache-control', 'no-store');
  return { ...showWebhook(delivery), secret: showSecret(delivery.record.secret) };
}

function showWebhook({ record, nextAttemptAt }: WebhookDelivery): WebhookResource {
  const { id, url, title = null, events, createdBy, createdAt, deliveredAt } = record;
  return {
    id,
    url,
    title,
    events: { ...events },
    status: statusOf(record),
    createdBy,
    createdAt: showTime(createdAt),
    deliveredAt: timeOrNull(deliveredAt),
    lastFailure: showFailure(record),
    nextAttemptAt: timeOrNull(nextAttemptAt),
  };
}

function showFailure({ failure }: WebhookRecord): WebhookResource['lastFailure'] {
  if (failure === undefined) return null;
  const { time, attempts, status = null, detail } = failure;
  return { time: showTime(time), attempts, status, detail };
}

function timeOrNull(time: number | undefined): string | null {
  return time === undefined ? null : showTime(time);
}
