import type { Accounts } from '../../accounts/accounts.ts';
import type { Clock } from '../../base/clock.ts';
import type { DeviceTargets } from '../../accounts/permissions.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import type { BrokerHooks } from '../../mqtt/broker/hooks.ts';
import type { Config } from '../config/config-schema.ts';
import { guardServiceTopics } from '../services/topic-guard.ts';
import { guardDiscovery } from './discovery-guard.ts';
import { MqttAudit } from './mqtt-audit.ts';
import { guardDeviceTopics } from './device-guard.ts';
import { checkMqttPermissions } from './mqtt-permissions.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';
import type { TopicRights } from './topic-rights.ts';

type MqttRuleParts = {
  readonly accounts: Accounts;
  readonly identify: IdentifyMqttClient;
  readonly rights: TopicRights;
  readonly clock: Clock;
  readonly targetOf: DeviceTargets;
  readonly devices: DeviceRegistry;
};

/** Who may say and hear what at the hub's own broker: by accounts, and on the topics of devices and of services. */
export function mqttRules(
  { accounts: { commandTopics }, mqtt: { passwordFile }, gateways, services }: Config,
  { accounts, identify, rights, clock, targetOf, devices }: MqttRuleParts,
): BrokerHooks[] {
  const { enabled, topicPrefix, agents } = services;
  const { prefix } = gateways.mqtt;
  const wantsProof = (): boolean => accounts.isOn || passwordFile !== '';
  const ofServices = enabled ? [`${topicPrefix}/`] : [];
  const except = [...ofServices, `${prefix}/devices/`, `${prefix}/hubs/`];
  const takesCommands = (deviceId: string): boolean =>
    gateways.mqtt.export && devices.otherGatewayOf(deviceId, 'mqtt') !== undefined;
  const { homeAssistant } = gateways;
  const audit = new MqttAudit({ accounts, clock, commandTopics });
  return [
    // Before them all, so that the audit has no entry of what is refused here.
    ...(homeAssistant.enabled ? [guardDiscovery({ ...homeAssistant, rights, identify, audit })] : []),
    checkMqttPermissions({ accounts, identify, audit, except }),
    guardDeviceTopics({ accounts, identify, targetOf, prefix, takesCommands }),
    ...(enabled ? [guardServiceTopics({ topicPrefix, agents, wantsProof }, identify)] : []),
  ];
}
