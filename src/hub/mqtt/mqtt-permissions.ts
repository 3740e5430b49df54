import type { Accounts } from '../../accounts/accounts.ts';
import { may } from '../../accounts/permissions.ts';
import type { Principal } from '../../accounts/principal.ts';
import { ALLOW, type BrokerHooks, type ClientInfo, type Verdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import type { MqttAudit } from './mqtt-audit.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';

type MqttPermissionParts = {
  readonly accounts: Accounts;
  readonly identify: IdentifyMqttClient;
  readonly audit: MqttAudit;
  /** Topics that begin so are for others to judge. */
  readonly except: readonly string[];
};

const DENIED: Verdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'this account may not do this',
});

/** Holds clients to what their accounts may: to publish is to command, to subscribe and to receive is to read. */
export function checkMqttPermissions(parts: MqttPermissionParts): BrokerHooks {
  const { accounts, identify, audit, except } = parts;
  let isAsked = false;
  /** Who must be asked about; undefined where everybody may. Who came by an account may do nothing when it is gone. */
  const judged = (client: ClientInfo, topic: string): Principal | undefined =>
    (isAsked ||= accounts.isOn) && !except.some((start) => topic.startsWith(start))
      ? identify(client)
      : undefined;
  // Who publishes much says it on one topic many times in a row. What a principal may there is always the same.
  let lastPublisher: Principal | undefined;
  let lastTopic = '';
  return {
    name: 'accounts',
    authorizeSubscribe(client, topicFilter) {
      const principal = judged(client, topicFilter);
      if (principal === undefined || may(principal, 'read', { topicFilter })) return ALLOW;
      audit.noteDenied(principal, client, 'subscribeMqtt', topicFilter);
      return DENIED;
    },
    authorizePublish(client, message) {
      const { topicName: topic } = message;
      const principal = judged(client, topic);
      if (principal === undefined) return ALLOW;
      const isSame = principal === lastPublisher && topic === lastTopic;
      if (isSame || may(principal, 'command', { topic })) {
        lastPublisher = principal;
        lastTopic = topic;
        audit.notePublish(principal, client, message);
        return ALLOW;
      }
      audit.noteDenied(principal, client, 'publishMqtt', topic);
      return DENIED;
    },
    authorizeReceive(client, topic) {
      const principal = judged(client, topic);
      return principal === undefined || may(principal, 'read', { topic });
    },
  };
}
