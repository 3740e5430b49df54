import { OWNER } from '../../accounts/principal.ts';
import { systemClock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { MemoryWebhookStore } from '../../devices/webhook-store.ts';
import type { Config } from '../../hub/config/config-schema.ts';
import type { Hub } from '../../hub/hub.ts';
import { readInterest } from '../routes/events.ts';
import { Webhooks } from './webhooks.ts';

/** The webhooks of a hub, kept where it keeps what lasts. */
export function createWebhooks(hub: Hub, config: Config, log: Logger): Webhooks {
  return new Webhooks({
    feed: hub.feed,
    ledger: hub.ledger,
    store: hub.stores?.webhooks ?? new MemoryWebhookStore(),
    options: config.webhooks,
    // They are of the hub: only who may read all of it makes them.
    interestOf: (events) => readInterest(events, OWNER, hub),
    clock: systemClock,
    log,
  });
}
