/** `recado/bus`: publish and subscribe with any MQTT broker, over the network or in this process. */
export { BusError } from './bus-error.ts';
export type { ClientBusOptions } from './bus-options.ts';
export type { TlsOptions } from '../mqtt/client/client-options.ts';
export type {
  Bus,
  BusClient,
  BusCounters,
  BusEvent,
  BusMessage,
  MessageProperties,
  OutgoingMessage,
  Patience,
  PublishOptions,
  PublishReceipt,
  SubscribeOptions,
  Subscription,
  UnacknowledgedMessage,
} from './bus.ts';
export { connectBus } from './client-bus.ts';
export { embedBus } from './embedded-bus.ts';
