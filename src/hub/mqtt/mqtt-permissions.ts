import type { Accounts } from '../../accounts/accounts.ts';
import { may, type Verb } from '../../accounts/permissions.ts';
import { ALLOW, type BrokerHooks, type ClientInfo, type Verdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';

type MqttPermissionParts = {
  readonly accounts: Accounts;
  readonly identify: IdentifyMqttClient;
  /** Topics that begin so are for others to judge. */
  readonly except: readonly string[];
};

const DENIED: Verdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'this account may not do this',
});

/** Holds clients to what their accounts may: to publish is to command, to subscribe and to receive is to read. */
export function checkMqttPermissions({ accounts, identify, except }: MqttPermissionParts): BrokerHooks {
  let isAsked = false;
  const isPermitted = (client: ClientInfo, verb: Verb, topic: string): boolean =>
    // Who came by an account may do nothing when it is gone, also where it was the last one.
    !(isAsked ||= accounts.isOn) ||
    except.some((start) => topic.startsWith(start)) ||
    may(identify(client), verb);
  return {
    name: 'accounts',
    authorizeSubscribe: (client, filter) => (isPermitted(client, 'read', filter) ? ALLOW : DENIED),
    authorizePublish: (client, { topicName }) => (isPermitted(client, 'command', topicName) ? ALLOW : DENIED),
    authorizeReceive: (client, topicName) => isPermitted(client, 'read', topicName),
  };
}
