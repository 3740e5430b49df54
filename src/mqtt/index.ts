/** `recado/mqtt`: an MQTT client, and an MQTT broker to embed. */
export { Broker } from './broker/broker.ts';
export type {
  BrokerCounts,
  LocalSubscribeOptions,
  LocalSubscription,
  PublishRequest,
  SessionInfo,
} from './broker/broker.ts';
export { BrokerError, type BrokerErrorCode } from './broker/broker-error.ts';
export type { BrokerGuest, GuestFailure, RetainedMessage, RetainedPage } from './broker/guest.ts';
export {
  createAccessControl,
  type AccessControl,
  type AccessControlOptions,
} from './access/access-control.ts';
export { ALLOW } from './broker/hooks.ts';
export type * from './broker/hooks.ts';
export { DEFAULT_BROKER_OPTIONS } from './broker/options.ts';
export type { BrokerLimits, BrokerOptions, ConnectionOptions, ListenerOptions } from './broker/options.ts';
export type { Figure } from './broker/figures.ts';
export type { BrokerStats } from './broker/stats.ts';
export { ReasonCode, reasonCodeName } from './codec/reason-code.ts';
export type { ProtocolVersion, QoS } from './codec/control-packet.ts';
export type { PublishProperties } from './codec/publish.ts';
export {
  formatTopicFilter,
  matchesTopicFilter,
  parseTopicFilter,
  type TopicFilter,
} from './topics/topic-filter.ts';
export type { LocalReceiver } from './broker/client-session.ts';
export type * from './session/session-store.ts';
export { StoredMessage, type StoredMessageParts } from './session/stored-message.ts';
export { readStoredMessage, storedMessageBytes, writeStoredMessage } from './session/stored-message-codec.ts';
export type { SubscriptionOptions } from './topics/subscription-match.ts';
export type { Slice } from './transport/slice.ts';
export type * from './transport/transport.ts';
export { Written } from './transport/transport.ts';
export { listenTcp, type TcpListener, type TcpOptions } from './transport/tcp.ts';
export { listenTls, type TlsListener, type TlsListenOptions } from './transport/tls.ts';
export { listenUnix, type UnixListener, type UnixOptions } from './transport/unix.ts';
export { acceptStream } from './transport/stream.ts';
export {
  attachWebSocket,
  listenWebSocket,
  type AttachedWebSocket,
  type AttachOptions,
  type WebSocketListener,
  type WebSocketListenOptions,
} from './transport/websocket.ts';
export { MemorySessionStore, type MemoryStoreOptions } from './session/memory-session-store.ts';
export { connectMqtt, type MqttClient } from './client/client.ts';
export type { ClientCounters } from './client/client-counters.ts';
export { MqttClientError } from './client/client-error.ts';
export { DEFAULT_CLIENT_LIMITS } from './client/client-options.ts';
export type {
  ClientEvent,
  MqttClientLimits,
  MqttClientOptions,
  TlsOptions,
} from './client/client-options.ts';
export { ClientState } from './client/client-state.ts';
export type { ClientSubscribeOptions } from './client/client-subscriptions.ts';
export type * from './client/message.ts';
