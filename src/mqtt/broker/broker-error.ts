/** Stable codes of what an embedding program can do wrong. */
export type BrokerErrorCode =
  /** An option is outside its bounds. */
  | 'MQTT_OPTION_INVALID'
  /** A topic, filter, QoS or property of `publish` or `subscribe` is not one. */
  | 'MQTT_MESSAGE_INVALID'
  /** `publish` was called from within a hook or a subscriber that it had called, and so on, too often. */
  | 'MQTT_PUBLISH_LOOP'
  /** A message was to be retained, and there is no room: nobody got it. */
  | 'MQTT_RETAINED_FULL'
  /** The broker was closed. */
  | 'MQTT_BROKER_CLOSED'
  /** The store could not be read or written. */
  | 'MQTT_STORE_FAILED';

/** What the broker throws at the program that embeds it. */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BrokerError';
    this.code = code;
  }
}
