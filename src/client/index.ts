/** `recado/client`: the HTTP API of a hub, typed; for Node and browsers. */
export {
  createClient,
  type CallOptions,
  type Client,
  type ClientOptions,
  type DeviceCalls,
  type DeviceFilter,
  type DeviceListOptions,
  type InvokeOptions,
} from './client.ts';
export {
  ClientError,
  HubAnswerError,
  HubUnreachableError,
  ProblemError,
  type ProblemCode,
  type UnreachableReason,
} from './errors.ts';
export type * from './resources.ts';
