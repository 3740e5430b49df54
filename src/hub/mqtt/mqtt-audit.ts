import type { Accounts } from '../../accounts/accounts.ts';
import type { AuditEntry } from '../../accounts/audit.ts';
import type { Principal } from '../../accounts/principal.ts';
import type { Clock } from '../../base/clock.ts';
import { cutText } from '../../base/cut-text.ts';
import { ERROR_TABLE } from '../../base/errors.ts';
import { FilterSet } from '../../mqtt/access/filter-set.ts';
import type { ApplicationMessage, ClientInfo } from '../../mqtt/broker/hooks.ts';
import { isApiClient } from './mqtt-principal.ts';

/** The same thing that one account does again is told again after so long. */
const TOLD_FOR_MS = 3_600_000;
/** Things that are told apart; beyond, the one told longest ago may be told again. */
const MAX_TOLD = 10_000;
const MAX_TARGET_CHARACTERS = 200;
const OK = 200;

type MqttEntry = Omit<AuditEntry, 'at' | 'principal' | 'address'>;

type MqttAuditParts = {
  readonly accounts: Accounts;
  readonly clock: Clock;
  /** Each message that is published there has an entry: what is said there is a command. */
  readonly commandTopics: readonly string[];
};

/**
 * Has stand in the audit what clients change and what they are refused, and not each message: who keeps or takes away a
 * retained message, and who may not publish or subscribe, once an hour for each account and topic.
 */
export class MqttAudit {
  readonly #accounts: Accounts;
  readonly #clock: Clock;
  readonly #commandTopics: FilterSet | undefined;
  /** When it was told, the one longest ago first. */
  readonly #told = new Map<string, number>();

  constructor({ accounts, clock, commandTopics }: MqttAuditParts) {
    this.#accounts = accounts;
    this.#clock = clock;
    this.#commandTopics = commandTopics.length > 0 ? new FilterSet(commandTopics) : undefined;
  }

  /** A message is let pass: on the way of all of them. */
  notePublish(principal: Principal, client: ClientInfo, message: ApplicationMessage): void {
    const { topicName } = message;
    if (this.#commandTopics?.matches(topicName) === true)
      this.#note(principal, client, { action: 'publishMqtt', target: topicName, status: OK });
    else if (message.retain) {
      const action = message.payload.length === 0 ? 'clearRetainedMqtt' : 'retainMqtt';
      this.#noteSeldom(principal, client, { action, target: topicName, status: OK });
    }
  }

  noteDenied(
    principal: Principal,
    client: ClientInfo,
    action: 'publishMqtt' | 'subscribeMqtt',
    target: string,
  ): void {
    const code = 'FORBIDDEN';
    this.#noteSeldom(principal, client, { action, target, status: ERROR_TABLE[code].status, code });
  }

  #noteSeldom(principal: Principal, client: ClientInfo, entry: MqttEntry): void {
    const target = cutText(entry.target, MAX_TARGET_CHARACTERS);
    const key = `${entry.status} ${entry.action} ${principal.id} ${target}`;
    const now = this.#clock.monotonic();
    if (now - (this.#told.get(key) ?? -Infinity) < TOLD_FOR_MS) return;
    this.#told.delete(key);
    this.#told.set(key, now);
    const [oldest] = this.#told.keys();
    if (this.#told.size > MAX_TOLD && oldest !== undefined) this.#told.delete(oldest);
    this.#note(principal, client, entry);
  }

  #note(principal: Principal, client: ClientInfo, { target, ...entry }: MqttEntry): void {
    // Each request of the API has its own entry.
    if (isApiClient(client)) return;
    this.#accounts.audit.note(principal, {
      address: client.peer.address,
      target: cutText(target, MAX_TARGET_CHARACTERS),
      ...entry,
    });
  }
}
