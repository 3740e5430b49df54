import type { FastifyRequest } from 'fastify';
import { may, type DeviceTargets, type Verb } from '../accounts/permissions.ts';
import { asksForWebSocket } from '../services/hub/http-entrance.ts';
import { RequestRefused } from './problems.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What a request of this route does: without it, GET reads and all else manages. `any` is for whoever may come in;
     * what somebody may not see is then left out by the route.
     */
    verb?: Verb | 'any';
  }
}

/** What a request is about, by the names that all routes have for it. */
type Params = { readonly deviceId?: string; readonly service?: string };

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a method changes nothing (RFC 9110 section 9.2.1). */
export function isSafeMethod(method: string): boolean {
  return SAFE_METHODS.has(method);
}

/** Throws `FORBIDDEN` when who asks may not do this, whether it exists or not. */
export function checkPermission(request: FastifyRequest, targetOf: DeviceTargets): void {
  const { principal, method, params, routeOptions } = request;
  const { deviceId, service } = (params ?? {}) as Params;
  const verb = routeOptions.config.verb ?? (service === undefined ? hubVerb(method) : serviceVerb(request));
  if (verb === 'any') return;
  const target = deviceId === undefined ? (service === undefined ? {} : { service }) : targetOf(deviceId);
  if (may(principal, verb, target)) return;
  const about = deviceId === undefined ? '' : ` with ${deviceId.slice(0, 64)}`;
  throw new RequestRefused('FORBIDDEN', `This account may not do this${about}: it would have to ${verb}.`);
}

function hubVerb(method: string): Verb {
  return isSafeMethod(method) ? 'read' : 'manage';
}

/** A WebSocket begins with a GET, and may say anything afterwards; other upgrades are ignored. */
function serviceVerb({ method, raw }: FastifyRequest): Verb {
  return isSafeMethod(method) && !asksForWebSocket(raw) ? 'read' : 'command';
}
