/** `recado`: a hub in your program. */
export { startServer, type RunningServer } from './api/start-server.ts';
export { RecadoError, type ErrorCode, type Issue } from './base/errors.ts';
export { silentLogger, type Logger } from './base/logger.ts';
export { version } from './base/version.ts';
export type { Command, CommandKind, JsonSchema } from './devices/command.ts';
export type { Device } from './devices/device.ts';
export type { DeviceFailure, Failure } from './devices/failure.ts';
export type { Invocation, InvocationPhase, InvocationState } from './devices/invocation.ts';
export type { Presence, PresenceReason } from './devices/presence.ts';
export type { MetricValue, Reading } from './devices/telemetry.ts';
export type { ListeningAddress } from './gateways/gateway.ts';
export type { Config } from './hub/config/config-schema.ts';
export { defaultConfig } from './hub/config/hub-config.ts';
export { createHub } from './hub/create-hub.ts';
export type { Hub, InvokeFailure, InvokeOptions } from './hub/hub.ts';
export type { Broker } from './mqtt/index.ts';
