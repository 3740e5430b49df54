import type { Accounts } from '../../accounts/accounts.ts';
import { may, type Target, type Verb } from '../../accounts/permissions.ts';
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
  const isPermitted = (client: ClientInfo, verb: Verb, topic: string, target: Target): boolean =>
    // Who came by an account may do nothing when it is gone, also where it was the last one.
    !(isAsked ||= accounts.isOn) ||
    except.some((start) => topic.startsWith(start)) ||
    may(identify(client), verb, target);
  return {
    name: 'accounts',
    authorizeSubscribe: (client, topicFilter) =>
      isPermitted(client, 'read', topicFilter, { topicFilter }) ? ALLOW : DENIED,
    authorizePublish: (client, { topicName: topic }) =>
      isPermitted(client, 'command', topic, { topic }) ? ALLOW : DENIED,
    authorizeReceive: (client, topic) => isPermitted(client, 'read', topic, { topic }),
  };
}
