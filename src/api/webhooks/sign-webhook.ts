import { createHmac, randomBytes } from 'node:crypto';

/* As the specification "Standard Webhooks" 1.0 has it, so that its libraries check what the hub sends. */

const SECRET_BYTES = 32;
const SECRET_PREFIX = 'whsec_';

/** A new secret, as it is kept: base64. */
export function makeSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64');
}

/** A secret, as its receiver is told it once. */
export function showSecret(secret: string): string {
  return `${SECRET_PREFIX}${secret}`;
}

/** The headers of one try. @param at - wall time, ms */
export function signDelivery(
  { id, body }: { readonly id: string; readonly body: string },
  secret: string,
  at: number,
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const key = Buffer.from(secret, 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
}
