import { systemClock, type Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { DeviceRegistry } from '../devices/device-registry.ts';
import type { Gateway } from '../gateways/gateway.ts';
import { SocketGateway } from '../gateways/socket/socket-gateway.ts';
import type { Config } from './config/config-schema.ts';
import { Hub } from './hub.ts';

/** Puts a hub together. It opens nothing before `start`. */
export function createHub(config: Config, parts: { log: Logger; clock?: Clock }): Hub {
  const clock = parts.clock ?? systemClock;
  const devices = new DeviceRegistry({ limits: config.devices, clock });
  const gateways: Gateway[] = [];
  if (config.gateways.socket.enabled) {
    gateways.push(new SocketGateway(config.gateways.socket, { registry: devices, log: parts.log, clock }));
  }
  return new Hub({ devices, gateways, invocations: config.invocations, log: parts.log, clock });
}
