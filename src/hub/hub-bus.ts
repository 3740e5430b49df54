import type { Logger } from '../base/logger.ts';
import type { Bus, OutgoingMessage } from '../bus/bus.ts';
import { embedBus } from '../bus/embedded-bus.ts';
import { logPresence } from '../bus/log-presence.ts';
import type { Broker } from '../mqtt/broker/broker.ts';

/** Where the hub's own messages go. */
type HubBusOptions = {
  /** Of another broker; empty for the one in this process. */
  readonly url: string;
  readonly embedded: Broker | undefined;
  /** What another broker publishes when this program is gone without a word. */
  readonly will?: OutgoingMessage;
  readonly log: Logger;
};

/** The broker of `mqtt.external`. */
export type ExternalBroker = {
  /** Without the name and password that it is told. */
  readonly address: string;
  readonly isConnected: boolean;
};

/** A part of the hub that may go over it: undefined as long as it does not. */
type BrokerUser = { readonly isConnected: boolean | undefined };

/** How it stands with another broker; undefined where there is none, or nobody goes over it. */
export function readExternalBroker(
  url: string,
  users: readonly (BrokerUser | undefined)[],
): ExternalBroker | undefined {
  const links = users.flatMap((user) => user?.isConnected ?? []);
  if (url === '' || links.length === 0) return undefined;
  const { protocol, host } = new URL(url);
  return { address: `${protocol}//${host}`, isConnected: links.every(Boolean) };
}

/**
 * The bus of a hub: to its own broker, or to another one, which is connected to for as long as the hub runs.
 *
 * @returns undefined when there is neither
 * @throws {BusError} `CONFIG_INVALID` when the address is none
 */
export async function openHubBus({ url, embedded, will, log }: HubBusOptions): Promise<Bus | undefined> {
  if (url === '') return embedded === undefined ? undefined : embedBus(embedded, { log });
  // The client is loaded only where there is another broker.
  const { connectBus } = await import('../bus/client-bus.ts');
  const bus = await connectBus(url, { waitsForConnection: false, ...(will && { will }), log });
  logPresence(bus, log);
  return bus;
}
