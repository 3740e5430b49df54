import { createHash, timingSafeEqual } from 'node:crypto';
import type { ErrorCode } from '../../base/errors.ts';
import type { Hello } from './framed-hello.ts';
import type { Peer, SessionContext } from './session.ts';

/** Why a hello is not believed; undefined when it is. */
export function refuseCredentials(
  hello: Hello,
  peer: Peer,
  context: SessionContext,
): { code: ErrorCode; message: string } | undefined {
  const { deviceTokens } = context.options;
  const expected = Object.hasOwn(deviceTokens, hello.id) ? deviceTokens[hello.id] : undefined;
  if (expected !== undefined) {
    if (hello.token !== undefined && isSameSecret(hello.token, expected)) return undefined;
    return { code: 'DEVICE_TOKEN_INVALID', message: `The token of ${hello.id} is missing or wrong.` };
  }
  if (!peer.isTrusted) {
    const message = `The hub has no token for ${hello.id}, and ${peer.address} is not in a trusted network.`;
    return { code: 'DEVICE_TOKEN_INVALID', message };
  }
  return refuseTakeover(hello, context);
}

/** Where no token is configured, whoever takes an id over must show the token that its holder showed. */
function refuseTakeover(
  hello: Hello,
  context: SessionContext,
): { code: ErrorCode; message: string } | undefined {
  if (context.registry.get(hello.id)?.isOnline !== true) return undefined;
  const holder = context.directory.framed(hello.id);
  if (holder !== undefined && isSameSecret(holder.token ?? '', hello.token ?? '')) return undefined;
  return {
    code: 'FORBIDDEN',
    message: `Another device is connected as ${hello.id}, with another token. Choose another id.`,
  };
}

/** Compares two secrets in a time that tells nothing about them. */
function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
