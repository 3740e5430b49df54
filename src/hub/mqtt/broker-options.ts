import type { BrokerLimits, ConnectionOptions } from '../../mqtt/broker/options.ts';
import type { Config } from '../config/config-schema.ts';
import { BROKER_OPTIONS } from '../config/sections/mqtt.ts';

/** The broker's options out of the section `mqtt`; a text that is empty there is undefined here. */
export function brokerOptions(mqtt: Config['mqtt']): ConnectionOptions & BrokerLimits {
  const options = BROKER_OPTIONS.map((name) => [name, mqtt[name] === '' ? undefined : mqtt[name]]);
  return Object.fromEntries(options) as ConnectionOptions & BrokerLimits;
}
