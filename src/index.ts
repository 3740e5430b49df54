/** `recado`: a hub in your program. */
import { startServer, type RunningServer } from './api/start-server.ts';
import type { Clock } from './base/clock.ts';
import { failureLogger, type Logger } from './base/logger.ts';
import { completeConfig, type ConfigParts } from './config/complete-config.ts';
import type { Config } from './hub/config/config-schema.ts';
import { HUB_CONFIG } from './hub/config/hub-config.ts';
import { createHub } from './hub/create-hub.ts';
import type { Hub } from './hub/hub.ts';

export { RecadoError, type ErrorCode, type Issue } from './base/errors.ts';
export { silentLogger, type Logger } from './base/logger.ts';
export { version } from './base/version.ts';
export type { Command, CommandKind, JsonSchema } from './devices/command.ts';
export type { Device } from './devices/device.ts';
export type {
  DeviceEvent,
  DeviceEventKind,
  EventFeed,
  EventInterest,
  FeedReader,
  MissedEvents,
} from './devices/events.ts';
export type { DeviceFailure, Failure } from './devices/failure.ts';
export type { Invocation } from './devices/invocation.ts';
export type { InvocationPhase, InvocationState } from './devices/invocation-snapshot.ts';
export type { Presence, PresenceReason } from './devices/presence.ts';
export type { MetricValue, Reading } from './devices/reading.ts';
export type { ListeningAddress } from './gateways/gateway.ts';
export type { Config } from './hub/config/config-schema.ts';
export { defaultConfig } from './hub/config/hub-config.ts';
export type { Hub, InvokeFailure } from './hub/hub.ts';
export type { InvokeOptions } from './hub/hub-invocations.ts';
export type { Broker } from './mqtt/index.ts';
export type { RunningServer };

/**
 * Starts a hub with its HTTP API in this process.
 *
 * @param config - what differs from the defaults: `{ http: { port: 8080 } }`
 * @throws {RecadoError} `CONFIG_INVALID`; `LISTENER_UNSAFE` when strangers could come in; `PORT_IN_USE` or
 *   `LISTEN_FAILED`. Nothing is left open then.
 */
async function startHubServer(
  config: ConfigParts<Config> = {},
  { log = failureLogger }: { readonly log?: Logger } = {},
): Promise<RunningServer> {
  return startServer(completeConfig(HUB_CONFIG, config), { log });
}

/**
 * Puts a hub together, without an HTTP API. It opens nothing before `start`.
 *
 * @param config - what differs from the defaults
 * @throws {RecadoError} `CONFIG_INVALID`
 */
function createHubOf(
  config: ConfigParts<Config> = {},
  { log = failureLogger, clock }: { readonly log?: Logger; readonly clock?: Clock } = {},
): Hub {
  return createHub(completeConfig(HUB_CONFIG, config), {
    log,
    ...(clock !== undefined && { clock }),
  });
}

export { createHubOf as createHub, startHubServer as startServer };
