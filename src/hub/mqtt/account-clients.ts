import type { Accounts } from '../../accounts/accounts.ts';
import type { Principal } from '../../accounts/principal.ts';
import type { Broker } from '../../mqtt/broker/broker.ts';
import type { BrokerHooks, ClientInfo } from '../../mqtt/broker/hooks.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';

/** What names of tokens begin with, as nobody else's can. */
const TOKEN_NAME = 'token:';

/** Who the connected clients were when they came in, and who of them may not stay. */
export class AccountClients {
  readonly #accounts: Accounts;
  readonly #identify: IdentifyMqttClient;
  readonly #principals = new WeakMap<ClientInfo, Principal>();

  constructor(accounts: Accounts, identify: IdentifyMqttClient) {
    this.#accounts = accounts;
    this.#identify = identify;
  }

  /** For the broker: it sees who comes in. */
  get hooks(): BrokerHooks {
    return {
      name: 'clients of accounts',
      onConnected: (client) => void this.#remember(client),
    };
  }

  /** Ends the connections of those who would not be let in now as they were; of lost accounts, the sessions. */
  endStale(broker: Broker): void {
    for (const { client, isConnected } of broker.sessions()) {
      // Of a session that was there before the hub was: who it is as long as nothing has changed.
      const before = this.#principals.get(client) ?? this.#remember(client);
      const isGone = this.#accounts.hasEnded(before);
      const isOrphan = this.#isOrphan(client, isGone);
      if (isOrphan || isGone || (isConnected && this.#isUnproven(client, before)))
        broker.disconnectClient(client.clientId, { endSession: isOrphan });
    }
  }

  #remember(client: ClientInfo): Principal {
    const principal = this.#identify(client);
    this.#principals.set(client, principal);
    return principal;
  }

  /** Its account is gone, and nobody can come as it any more; whoever has the name now is somebody else. */
  #isOrphan({ userName = '' }: ClientInfo, isGone: boolean): boolean {
    return (
      (isGone || userName.startsWith(TOKEN_NAME)) && this.#accounts.principalNamed(userName) === undefined
    );
  }

  /** It was let in when nothing had to be proven, and something has now. */
  #isUnproven(client: ClientInfo, before: Principal): boolean {
    if (before.provenBy !== 'network' && before.provenBy !== 'nothing') return false;
    return client.userName !== undefined || this.#identify(client).provenBy !== before.provenBy;
  }
}
