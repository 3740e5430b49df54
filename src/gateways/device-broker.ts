import type { Principal } from '../accounts/principal.ts';
import type { Bus, BusClient } from '../bus/bus.ts';
import type { PresenceReason } from '../devices/presence.ts';

/**
 * The MQTT broker that devices come by: the hub's own, or another one. The hub makes one of these, for all gateways
 * that need it.
 */
export type DeviceBroker = {
  /** The bus to it, the same for all who open it; undefined where there is no broker. Whoever opened it closes it. */
  open(): Promise<Bus | undefined>;
  /** The last one to close it ends the connection. */
  close(): Promise<void>;
  /** What only the hub's own broker knows; undefined with another one. */
  readonly clients: BrokerClients | undefined;
  /** The name of this hub at the broker. */
  readonly hubId: string;
  /** Where people reach it; empty where nobody is told. */
  readonly hubUrl: string;
};

/** The clients of the hub's own broker. */
export type BrokerClients = {
  /** Tells of them, until the returned function is called. */
  watch(listener: ClientListener): () => void;
  isConnected(client: BusClient): boolean;
  /** As whom it acts. */
  identify(client: BusClient): Principal;
  /** To whom what it makes the hub keep is booked. */
  partyOf(client: BusClient): string;
  /** Whether it may publish on a topic, by accounts and rules of topics; undefined where it may on all. */
  limitsOf(client: BusClient): ((topicName: string) => boolean) | undefined;
};

/** Must not throw. */
export type ClientListener = {
  onSubscribed?(client: BusClient, topicFilter: string): void;
  onDisconnected?(client: BusClient, reason: PresenceReason): void;
};

/** To whom it is booked what came over a broker that does not say from whom. */
export const BROKER_PARTY = 'broker';
