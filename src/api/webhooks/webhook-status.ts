import type { WebhookRecord } from '../../devices/webhook-store.ts';
import type { WebhookResource } from '../webhook-schemas.ts';

type WebhookStatus = WebhookResource['status'];

/** How it stands with a webhook, as people see it. */
export function statusOf({ status, failure }: WebhookRecord): WebhookStatus {
  return status === 'active' && failure !== undefined ? 'failing' : status;
}

/** How many there are of each. */
export function countByStatus(records: Iterable<WebhookRecord>): Record<WebhookStatus, number> {
  const counts = { active: 0, failing: 0, paused: 0, dead: 0 };
  for (const record of records) counts[statusOf(record)]++;
  return counts;
}
