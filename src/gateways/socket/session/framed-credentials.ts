import { createHash, timingSafeEqual } from 'node:crypto';
import { may } from '../../../accounts/permissions.ts';
import { devicePrincipal, TRUSTED_NETWORK, type Principal } from '../../../accounts/principal.ts';
import { fail, succeed, type Result } from '../../../base/result.ts';
import type { Hello, HelloRefusal } from '../wire/framed-hello.ts';
import type { SocketPeer, SessionContext } from './device-session.ts';

/** Who says hello, or why it is not believed. */
export function checkCredentials(
  hello: Hello,
  peer: SocketPeer,
  context: SessionContext,
): Result<Principal, HelloRefusal> {
  if (hello.token !== undefined && peer.isPlain) context.secrets.note('token', peer.address);
  const account = hello.token === undefined ? undefined : context.accounts.tokens.verify(hello.token);
  if (account !== undefined) {
    if (may(account, 'connect', context.registry.targetOf(hello.id))) return succeed(account);
    return fail({ code: 'FORBIDDEN', message: `This token is not for a device ${hello.id}.` });
  }
  const { deviceTokens } = context.options;
  const expected = Object.hasOwn(deviceTokens, hello.id) ? deviceTokens[hello.id] : undefined;
  if (expected !== undefined) {
    if (hello.token !== undefined && isSameSecret(hello.token, expected))
      return succeed(devicePrincipal(hello.id));
    return fail({ code: 'DEVICE_TOKEN_INVALID', message: `The token of ${hello.id} is missing or wrong.` });
  }
  if (peer.principal !== TRUSTED_NETWORK) {
    const message = `The hub has no token for ${hello.id}, and ${peer.address} is not in a trusted network.`;
    return fail({ code: 'DEVICE_TOKEN_INVALID', message });
  }
  const refusal = refuseTakeover(hello, context);
  return refusal === undefined ? succeed(peer.principal) : fail(refusal);
}

/** Where no token is configured, whoever takes an id over must show the token that its holder showed. */
function refuseTakeover(hello: Hello, context: SessionContext): HelloRefusal | undefined {
  if (context.registry.get(hello.id)?.isOnline !== true) return undefined;
  const holder = context.directory.framed(hello.id);
  if (holder !== undefined && isSameSecret(holder.token ?? '', hello.token ?? '')) return undefined;
  return {
    code: 'FORBIDDEN',
    message: `Another device is connected as ${hello.id}${tokenWords(holder, hello)}. Choose another id.`,
  };
}

/** How the token of the device that is there differs from that of the one which comes; a plain device has none. */
function tokenWords(holder: { readonly token: string | undefined } | undefined, hello: Hello): string {
  if (holder === undefined) return '';
  if (holder.token === undefined) return ', without a token';
  return hello.token === undefined ? ', with a token' : ', with another token';
}

/** Compares two secrets in a time that tells nothing about them. */
function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
