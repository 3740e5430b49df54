import type { NewWebhookBody, WebhookChangeBody, WebhookResource } from '../api/webhook-schemas.ts';
import { readWebhook, readWebhookList } from './check-answer.ts';
import { pathSegment } from './hub-paths.ts';
import { askHub, type CallOptions, type HubConnection, type HubRequest } from './hub-request.ts';

/** Webhooks: for who may manage the hub. */
export type WebhookCalls = {
  list(options?: CallOptions): Promise<readonly WebhookResource[]>;
  /** One of them. `WEBHOOK_UNKNOWN` when there is none. */
  get(webhookId: string, options?: CallOptions): Promise<WebhookResource>;
  /** Has events posted to an address. `secret` of the answer, by which its receiver knows them, is never told again. */
  create(webhook: NewWebhookBody, options?: CallOptions): Promise<WebhookResource>;
  /** Changes one; `status: 'active'` revives one that was given up, `newSecret` has the answer tell another secret. */
  change(webhookId: string, change: WebhookChangeBody, options?: CallOptions): Promise<WebhookResource>;
  remove(webhookId: string, options?: CallOptions): Promise<void>;
};

const WEBHOOKS = '/api/v1/webhooks';

/** @param timeoutMs - how long the whole answer may take */
export function createWebhookCalls(hub: HubConnection, timeoutMs: number): WebhookCalls {
  type Asked<T> = Pick<HubRequest<T>, 'method' | 'path' | 'read'> & Partial<HubRequest<T>>;
  const ask = <T>(question: Asked<T>): Promise<T> =>
    askHub(hub, { timeoutMs, idempotent: true, ...question });
  const pathOf = (id: string): string => `${WEBHOOKS}/${pathSegment(id, 'webhook')}`;
  return {
    list: async ({ signal } = {}) =>
      (await ask({ method: 'GET', path: WEBHOOKS, signal, read: readWebhookList })).webhooks,
    get: async (id, { signal } = {}) => ask({ method: 'GET', path: pathOf(id), signal, read: readWebhook }),
    create: (body, { signal } = {}) =>
      ask({ method: 'POST', path: WEBHOOKS, body, signal, idempotent: false, read: readWebhook }),
    change: async (id, body, { signal } = {}) =>
      ask({
        method: 'PATCH',
        path: pathOf(id),
        body,
        signal,
        idempotent: body.newSecret !== true,
        read: readWebhook,
      }),
    remove: async (id, { signal } = {}) =>
      ask({ method: 'DELETE', path: pathOf(id), signal, read: () => undefined }),
  };
}
