import type { IncomingMessage, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { toOriginForm } from '../base/request-head.ts';
import type { Config } from '../hub/config/config-schema.ts';
import { asksForWebSocket } from '../services/hub/http-entrance.ts';
import type { ServiceHosts } from '../services/hub/service-hosts.ts';
import { UpgradeResponse } from '../services/hub/upgrade-response.ts';
import { isAnswered } from './request-heads.ts';
import { isServiceRequest, serviceUrl } from './routes/services.ts';

/** Whether an upgrade is for a service, and not for the hub itself. */
type IsServiceUpgrade = (request: IncomingMessage) => boolean;

/**
 * Which upgrades Node hands over: WebSocket for MQTT, and for services. Others, such as the offer of HTTP/2 with which
 * some libraries begin, are ignored, as HTTP allows: the request is answered as if they were not there.
 */
export function upgradeRules({ mqtt }: Config, hosts: ServiceHosts): ServerOptions {
  const isMqtt = mqtt.enabled && mqtt.webSocket.enabled;
  const { path } = mqtt.webSocket;
  return {
    shouldUpgradeCallback: (request) => {
      toOriginForm(request);
      // The other protocol would begin in the place of an answer that is still due.
      if (!isAnswered(request.socket)) return false;
      if (isForService(request, hosts)) return asksForWebSocket(request);
      const { url = '' } = request;
      return isMqtt && (url === path || url.startsWith(`${path}?`));
    },
  };
}

/** Has upgrades for services go the way of all requests. @returns which these are; all others are the caller's */
export function serveServiceUpgrades(app: FastifyInstance, hosts: ServiceHosts): IsServiceUpgrade {
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (isForService(request, hosts)) app.routing(request, new UpgradeResponse(request, socket, head));
  });
  return (request) => isForService(request, hosts);
}

function isForService(request: IncomingMessage, hosts: ServiceHosts): boolean {
  return isServiceRequest(serviceUrl(hosts, request));
}
