import type { Accounts } from '../../accounts/accounts.ts';
import { may, type Verb } from '../../accounts/permissions.ts';
import { ALLOW, type BrokerHooks, type ClientInfo, type Verdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';

type MqttPermissionParts = {
  readonly accounts: Accounts;
  readonly identify: IdentifyMqttClient;
  /** Topics below it are for others to judge; undefined where there are none. */
  readonly exceptBelow: string | undefined;
};

const DENIED: Verdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'this account may not do this',
});

/** Holds clients to what their accounts may: to publish is to command, to subscribe and to receive is to read. */
export function checkMqttPermissions({ accounts, identify, exceptBelow }: MqttPermissionParts): BrokerHooks {
  const below = exceptBelow === undefined ? undefined : `${exceptBelow}/`;
  let isAsked = false;
  const isPermitted = (client: ClientInfo, verb: Verb, topic: string): boolean =>
    // Who came by an account may do nothing when it is gone, also where it was the last one.
    !(isAsked ||= accounts.isOn) ||
    (below !== undefined && topic.startsWith(below)) ||
    may(identify(client), verb);
  return {
    name: 'accounts',
    authorizeSubscribe: (client, filter) => (isPermitted(client, 'read', filter) ? ALLOW : DENIED),
    authorizePublish: (client, { topicName }) => (isPermitted(client, 'command', topicName) ? ALLOW : DENIED),
    authorizeReceive: (client, topicName) => isPermitted(client, 'read', topicName),
  };
}
