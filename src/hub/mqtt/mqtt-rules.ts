import type { Accounts } from '../../accounts/accounts.ts';
import type { BrokerHooks } from '../../mqtt/broker/hooks.ts';
import type { Config } from '../config/config-schema.ts';
import { guardServiceTopics } from '../services/topic-guard.ts';
import { guardDeviceTopics } from './device-guard.ts';
import { checkMqttPermissions } from './mqtt-permissions.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';

/** Who may say and hear what at the hub's own broker: by accounts, and on the topics of devices and of services. */
export function mqttRules(
  { mqtt: { passwordFile }, gateways, services }: Config,
  { accounts, identify }: { readonly accounts: Accounts; readonly identify: IdentifyMqttClient },
): BrokerHooks[] {
  const { enabled, topicPrefix, agents } = services;
  const { prefix } = gateways.mqtt;
  const wantsProof = (): boolean => accounts.isOn || passwordFile !== '';
  const ofServices = enabled ? [`${topicPrefix}/`] : [];
  const except = [...ofServices, `${prefix}/devices/`, `${prefix}/hubs/`];
  return [
    checkMqttPermissions({ accounts, identify, except }),
    guardDeviceTopics({ accounts, identify, prefix }),
    ...(enabled ? [guardServiceTopics({ topicPrefix, agents, wantsProof }, identify)] : []),
  ];
}
