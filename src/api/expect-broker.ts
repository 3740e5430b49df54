import type { Hub } from '../hub/hub.ts';
import type { Broker } from '../mqtt/broker/broker.ts';
import { RequestRefused } from './problems.ts';

/** The MQTT broker of the hub; throws `NO_BROKER`. */
export function expectBroker({ broker }: Hub): Broker {
  if (broker !== undefined) return broker;
  const text = 'This hub is no MQTT broker (mqtt.enabled): another one has the clients and what is retained.';
  throw new RequestRefused('NO_BROKER', text);
}
