import type { Config } from './config-schema.ts';
import { findRiskyDefaults } from './risky-defaults.ts';

const SAME_ORIGIN =
  'services.sameOrigin is set: pages of services may do on the hub whatever the person may who looks at them. ' +
  'Names of their own, in services.hosts, are safer';
const IDLE_PUBLISH = 'gateways.homeAssistant.publish does nothing while gateways.mqtt.enabled is false';

/** What a configuration that is good should be looked at for: a sentence for each, without its full stop. */
export function findConfigWarnings(config: Config): string[] {
  const { services, gateways } = config;
  const { homeAssistant, mqtt } = gateways;
  const isIdle = homeAssistant.enabled && homeAssistant.publish && !mqtt.enabled && !mqtt.export;
  return [
    ...(services.sameOrigin ? [SAME_ORIGIN] : []),
    ...(isIdle ? [IDLE_PUBLISH] : []),
    ...findRiskyDefaults(config),
  ];
}
