import type { BrokerLimits, ConnectionOptions } from '../../mqtt/broker/options.ts';
import type { QoS } from '../../mqtt/codec/control-packet.ts';
import type { Config } from '../config/config-schema.ts';
import { BROKER_OPTIONS } from '../config/sections/mqtt.ts';

/** The broker's options out of the section `mqtt`; what is empty there is undefined here. */
export function brokerOptions(mqtt: Config['mqtt']): ConnectionOptions & BrokerLimits {
  const { responseInformation, maximumQos, ...others } = mqtt;
  const named = Object.fromEntries(
    Object.entries(others).filter(([name]) => (BROKER_OPTIONS as readonly string[]).includes(name)),
  ) as Omit<ConnectionOptions & BrokerLimits, 'responseInformation' | 'maximumQos'>;
  return {
    ...named,
    // The schema has checked its bounds.
    maximumQos: maximumQos as QoS,
    responseInformation: responseInformation === '' ? undefined : responseInformation,
  };
}
