import type { MqttClientOptions } from '../mqtt/client/client-options.ts';
import type { BusMessage } from './bus.ts';

/** Those of an MQTT client; what it tells comes by `watch`, and messages to those who subscribed. */
export type ClientBusOptions = Omit<MqttClientOptions, 'onMessage' | 'onEvent' | 'acknowledgesByHand'> & {
  /** What comes and no subscription of this bus asked for: a continued session may have subscriptions of its own. */
  readonly onUnclaimed?: (message: BusMessage) => void;
  /** True: that is not acknowledged, so the session still has it for another program. Default false. */
  readonly keepsUnclaimed?: boolean;
};
