import { may } from '../../accounts/permissions.ts';
import type { AccessControl } from '../../mqtt/access/access-control.ts';
import type { ClientInfo } from '../../mqtt/broker/hooks.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';

/** What the file of rules says of topics. */
export type AclTopics = AccessControl['topics'];

const ALL = { topicFilter: '#' };

/** What clients may at the hub's own broker, asked without doing it: by their accounts, and by the file of rules. */
export class TopicRights {
  readonly #identify: IdentifyMqttClient;
  readonly #findRules: () => AclTopics | undefined;

  /** @param findRules - those of `mqtt.aclFile` */
  constructor(identify: IdentifyMqttClient, findRules: () => AclTopics | undefined) {
    this.#identify = identify;
    this.#findRules = findRules;
  }

  /** Nothing is denied to it. */
  isFree(client: ClientInfo): boolean {
    const principal = this.#identify(client);
    return this.#findRules() === undefined && may(principal, 'read', ALL) && may(principal, 'command', ALL);
  }

  mayPublish(client: ClientInfo, topicName: string): boolean {
    if (!may(this.#identify(client), 'command', { topic: topicName })) return false;
    return this.#findRules()?.mayWrite(client, topicName) !== false;
  }

  /** Whether it may have all that is said there. */
  mayHear(client: ClientInfo, topicFilter: string): boolean {
    if (!may(this.#identify(client), 'read', { topicFilter })) return false;
    return this.#findRules()?.mayReadAll(client, topicFilter) !== false;
  }
}
