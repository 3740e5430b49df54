import type { QoS } from '../codec/control-packet.ts';

/** How messages go to one client: by a subscription, or by several that match together. */
export type Route = {
  /** What was granted; the message's own QoS limits it further [MQTT-3.8.4-8]. */
  readonly qos: QoS;
  /** RETAIN goes on as the message has it [MQTT-3.3.1-13], else it is 0 [MQTT-3.3.1-12]. */
  readonly retainAsPublished: boolean;
  readonly subscriptionIdentifiers: readonly number[];
};
