import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { may } from '../../accounts/permissions.ts';
import type { TrustedProxies } from '../../base/forwarding.ts';
import type { Hub } from '../../hub/hub.ts';

export const TD_CONTEXT = 'https://www.w3.org/2022/wot/td/v1.1';

/** Who a Thing Description is made for. */
export type ThingReader = {
  /** Where it reached the hub: what addresses in the description are below. */
  readonly base: string;
  /** It must show who it is with each request. */
  readonly needsProof: boolean;
  readonly mayCommand: (deviceId: string) => boolean;
};

/** For streams of programs that send no header there, as an `EventSource`. */
export const TICKET_VARIABLES = {
  ticket: { type: 'string', description: 'Of POST /api/v1/tickets, where no Authorization can be sent' },
};

export function readerOf(request: FastifyRequest, { devices }: Hub, proxies: TrustedProxies): ThingReader {
  const { principal, isAdmitted } = request;
  const isTrusted = ['network', 'nothing', 'data-folder'].includes(principal.provenBy);
  return {
    base: baseOf(request, proxies),
    needsProof: !isAdmitted || !isTrusted,
    mayCommand: (deviceId) => may(principal, 'command', devices.targetOf(deviceId)),
  };
}

/** A cookie is for the hub's own pages: who shows one is told of tokens, too. */
export function describeSecurity({ needsProof }: ThingReader): object {
  return needsProof
    ? {
        // Where nothing is said, a token is a JWT.
        securityDefinitions: { token: { scheme: 'bearer', in: 'header', format: 'opaque' } },
        security: 'token',
      }
    : { securityDefinitions: { none: { scheme: 'nosec' } }, security: 'none' };
}

function baseOf({ raw, headers: { host } }: FastifyRequest, proxies: TrustedProxies): string {
  const { localAddress = 'localhost', localPort } = raw.socket;
  const address = isIPv6(localAddress) ? `[${localAddress}]` : localAddress;
  // HTTP/1.0 knows no Host.
  const own = localPort === undefined ? address : `${address}:${localPort}`;
  return `${proxies.isOverTls(raw) ? 'https' : 'http'}://${host ?? own}/`;
}
