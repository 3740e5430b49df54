import { isBelowConfigs, readNamedTopics } from '../../gateways/home-assistant/named-topics.ts';
import { ALLOW, type BrokerHooks, type ClientInfo, type Verdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';
import type { MqttAudit } from './mqtt-audit.ts';
import type { TopicRights } from './topic-rights.ts';

type DiscoveryGuardParts = {
  readonly prefix: string;
  /** Larger ones are no configs to the hub. */
  readonly maxMessageBytes: number;
  readonly rights: TopicRights;
  readonly identify: IdentifyMqttClient;
  readonly audit: MqttAudit;
};

const MAX_SHOWN_CHARACTERS = 200;

/**
 * The hub listens and publishes for whoever publishes a config of Home Assistant's discovery, so a config may name no
 * topic that its publisher could not use itself. It is refused when it is published: what is retained was permitted.
 */
export function guardDiscovery(parts: DiscoveryGuardParts): BrokerHooks {
  const { prefix, maxMessageBytes, rights, identify, audit } = parts;
  const findFault = (client: ClientInfo, topicName: string, payload: Uint8Array): string | undefined => {
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
    const { told, heard } = readNamedTopics(topicName, text, prefix);
    const notTold = told.find((topic) => !rights.mayPublish(client, topic));
    if (notTold !== undefined)
      return `names ${notTold.slice(0, MAX_SHOWN_CHARACTERS)}, where its publisher may not publish`;
    const unheard = heard.find((topic) => !rights.mayHear(client, topic));
    return (
      unheard && `names ${unheard.slice(0, MAX_SHOWN_CHARACTERS)}, where its publisher may not subscribe`
    );
  };
  return {
    name: 'configs of devices',
    authorizePublish(client, { topicName, payload }): Verdict {
      if (!isBelowConfigs(topicName, prefix) || payload.length === 0 || payload.length > maxMessageBytes)
        return ALLOW;
      // Where it may not publish at all, it is for the others to say so.
      const isJudged = !rights.isFree(client) && rights.mayPublish(client, topicName);
      const fault = isJudged ? findFault(client, topicName, payload) : undefined;
      if (fault === undefined) return ALLOW;
      audit.noteDenied(identify(client), client, 'publishMqtt', topicName);
      return {
        allow: false,
        reasonCode: ReasonCode.NOT_AUTHORIZED,
        reasonString: `the config ${fault}`,
        rule: { name: 'configs of devices', text: `the config at ${topicName} ${fault}` },
      };
    },
  };
}
