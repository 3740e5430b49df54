import { partyOf } from '../../accounts/principal.ts';
import type { PresenceReason } from '../../devices/presence.ts';
import type { BrokerClients, ClientListener } from '../../gateways/device-broker.ts';
import type { BrokerHooks, ClientInfo, DisconnectCause } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';
import type { TopicRights } from './topic-rights.ts';

const REASONS: Readonly<Partial<Record<ReasonCode, PresenceReason>>> = {
  [ReasonCode.KEEP_ALIVE_TIMEOUT]: 'keep-alive-timeout',
  [ReasonCode.SESSION_TAKEN_OVER]: 'taken-over',
  [ReasonCode.ADMINISTRATIVE_ACTION]: 'access-lost',
  [ReasonCode.SERVER_SHUTTING_DOWN]: 'hub-stopping',
  [ReasonCode.PROTOCOL_ERROR]: 'protocol-error',
  [ReasonCode.MALFORMED_PACKET]: 'protocol-error',
};

/** Who is connected to the hub's own broker, for the gateways. */
export class ClientWatch implements BrokerClients {
  readonly identify: IdentifyMqttClient;
  readonly #connected = new Set<ClientInfo>();
  readonly #listeners = new Set<ClientListener>();

  readonly #rights: TopicRights | undefined;

  constructor(identify: IdentifyMqttClient, rights?: TopicRights) {
    this.identify = identify;
    this.#rights = rights;
  }

  /** For the broker. */
  get hooks(): BrokerHooks {
    return {
      name: 'clients that are devices',
      onConnected: (client) => void this.#connected.add(client),
      onSubscribed: (client, topicFilter) => {
        for (const listener of this.#listeners) listener.onSubscribed?.(client, topicFilter);
      },
      onDisconnected: (client, cause) => {
        this.#connected.delete(client);
        for (const listener of this.#listeners) listener.onDisconnected?.(client, reasonOf(cause));
      },
    };
  }

  watch(listener: ClientListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  isConnected(client: ClientInfo): boolean {
    return this.#connected.has(client);
  }

  limitsOf(client: ClientInfo): ((topicName: string) => boolean) | undefined {
    const rights = this.#rights;
    if (rights === undefined || rights.isFree(client)) return undefined;
    return (topicName) => rights.mayPublish(client, topicName);
  }

  partyOf(client: ClientInfo): string {
    return partyOf(this.identify(client), client.peer.address);
  }
}

function reasonOf({ by, reasonCode }: DisconnectCause): PresenceReason {
  if (by === 'client') return 'disconnected';
  return by === 'lost' ? 'connection-failed' : (REASONS[reasonCode] ?? 'disconnected');
}
