import { randomBytes } from 'node:crypto';

/**
 * A client id that no other program has: programs in containers share process ids. It stays within the 23 characters
 * that every server takes [MQTT-3.1.3-5].
 */
export function randomClientId(name: string): string {
  return `recado-${name.slice(0, 7)}-${randomEnd()}`;
}

/** Eight characters that no other program has. */
export function randomEnd(): string {
  return randomBytes(4).toString('hex');
}
