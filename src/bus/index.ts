/** `recado/bus`: publish and subscribe with any MQTT broker, over the network or in this process. */
export { BusError } from './bus-error.ts';
export {
  DEFAULT_LIMITS,
  type ClientBusLimits,
  type ClientBusOptions,
  type TlsOptions,
} from './bus-options.ts';
export type {
  Bus,
  BusCounters,
  BusEvent,
  BusMessage,
  MessageProperties,
  OutgoingMessage,
  Patience,
  PublishReceipt,
  SubscribeOptions,
  Subscription,
  UnacknowledgedMessage,
} from './bus.ts';
export { connectBus } from './client-bus.ts';
export { embedBus } from './embedded-bus.ts';
