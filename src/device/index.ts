/** Write a device: `recado/device`. */
export { CommandError } from './command-error.ts';
export { ConnectGate } from './connect-gate.ts';
export type {
  CommandCall,
  CommandDefinition,
  DeviceDefinition,
  EventArguments,
  EventDefinition,
  MetricDefinition,
  ReadingsOf,
} from './definition.ts';
export { createDevice, defineDevice, type Device } from './device.ts';
export type { ReportStatus } from './link.ts';
export {
  DEVICE_DEFAULTS,
  formatHubAddress,
  parseHubAddress,
  type ConnectionOptions,
  type DeviceTlsOptions,
  type DeviceTuning,
  type HubAddress,
} from './options.ts';
export type { InputOf, ValueOf } from './schema-type.ts';
export type { DeviceState, DeviceStateReason } from './state.ts';
