import type { ClientInfo } from '../../mqtt/broker/hooks.ts';
import type { IdentifyMqttClient } from '../mqtt/mqtt-principal.ts';

type AgentOwner = { readonly principalId: string; readonly clientId: string };

/** Who has the id of an agent, until its connection ends. */
export class AgentOwners {
  readonly #identify: IdentifyMqttClient;
  /** By service and agent. */
  readonly #owners = new Map<string, AgentOwner>();
  /** Who has ended gets nothing any more: nobody would release it. */
  readonly #connected = new WeakSet<ClientInfo>();
  /** What a client asks for with its CONNECT, for its Will, until it is connected. */
  readonly #wanted = new WeakMap<ClientInfo, string>();

  constructor(identify: IdentifyMqttClient) {
    this.#identify = identify;
  }

  /** Whether the client may have the id; it has it from now on, or as soon as it is connected. */
  claim(client: ClientInfo, key: string): boolean {
    if (!this.isOpenTo(client, key)) return false;
    if (!this.#connected.has(client)) this.#wanted.set(client, key);
    else if (!this.#owners.has(key))
      this.#owners.set(key, { principalId: this.#identify(client).id, clientId: client.clientId });
    return true;
  }

  /** Whether the client has the id, or nobody does. */
  isOpenTo(client: ClientInfo, key: string): boolean {
    const owner = this.#owners.get(key);
    if (owner === undefined) return true;
    return owner.principalId === this.#identify(client).id && owner.clientId === client.clientId;
  }

  connect(client: ClientInfo): void {
    this.#connected.add(client);
    const wanted = this.#wanted.get(client);
    if (wanted !== undefined) this.claim(client, wanted);
  }

  /** Whether an agent of somebody else is connected with the client's id. */
  isTakenFor(client: ClientInfo): boolean {
    for (const { clientId, principalId } of this.#owners.values())
      if (clientId === client.clientId && principalId !== this.#identify(client).id) return true;
    return false;
  }

  release(client: ClientInfo): void {
    this.#connected.delete(client);
    const { clientId } = client;
    for (const [key, owner] of this.#owners) if (owner.clientId === clientId) this.#owners.delete(key);
  }
}
