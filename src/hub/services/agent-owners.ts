import type { ClientInfo } from '../../mqtt/broker/hooks.ts';
import type { IdentifyMqttClient } from '../mqtt/mqtt-principal.ts';

type AgentOwner = { readonly principalId: string; readonly clientId: string };

/** Who has the id of an agent, until its connection ends. */
export class AgentOwners {
  readonly #identify: IdentifyMqttClient;
  /** By service and agent. */
  readonly #owners = new Map<string, AgentOwner>();

  constructor(identify: IdentifyMqttClient) {
    this.#identify = identify;
  }

  /** Whether the client has the id, or has it from now on because nobody else does. */
  claim(client: ClientInfo, key: string): boolean {
    const { clientId } = client;
    const principalId = this.#identify(client).id;
    const owner = this.#owners.get(key);
    if (owner !== undefined) return owner.principalId === principalId && owner.clientId === clientId;
    this.#owners.set(key, { principalId, clientId });
    return true;
  }

  /** Whether an agent of somebody else is connected with the client's id. */
  isTakenFor(client: ClientInfo): boolean {
    for (const { clientId, principalId } of this.#owners.values())
      if (clientId === client.clientId && principalId !== this.#identify(client).id) return true;
    return false;
  }

  release({ clientId }: ClientInfo): void {
    for (const [key, owner] of this.#owners) if (owner.clientId === clientId) this.#owners.delete(key);
  }
}
