import type { Accounts } from '../../accounts/accounts.ts';
import { may, type DeviceTargets } from '../../accounts/permissions.ts';
import { isDeviceId } from '../../devices/description.ts';
import { ALLOW, type BrokerHooks, type ClientInfo, type Verdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import type { IdentifyMqttClient } from './mqtt-principal.ts';

type DeviceGuardParts = {
  readonly accounts: Accounts;
  readonly identify: IdentifyMqttClient;
  readonly targetOf: DeviceTargets;
  /** The topics of devices and hubs begin with it. */
  readonly prefix: string;
  /** Whether the hub takes commands for a device there, from those who may command it. */
  readonly takesCommands: (deviceId: string) => boolean;
};

/** Whose a topic is; without a device where it may be several. */
type Owned = { readonly device: string | undefined; readonly isFromHub: boolean };

/** What the hub says to devices. */
const FROM_HUB: readonly string[] = ['commands', 'cancel'];
const NOT_YOURS: Verdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'the topics of a device are for the hub and its account',
});

/**
 * Where accounts are in use: a device speaks for itself alone and hears what it is told, only hubs command devices, and
 * only they say that they are there. Who may read a device may read its topics.
 */
export function guardDeviceTopics(parts: DeviceGuardParts): BrokerHooks {
  const { accounts, identify, targetOf, prefix, takesCommands } = parts;
  const devices = `${prefix}/devices/`;
  const hubs = `${prefix}/hubs/`;
  let isAsked = false;
  // Who came by an account may do nothing when it is gone, also where it was the last one.
  const isOn = (): boolean => (isAsked ||= accounts.isOn);
  const mayHear = (client: ClientInfo, topic: string): boolean => {
    const { device, isFromHub } = ownedBy(topic, devices);
    const principal = identify(client);
    if (device === undefined) return may(principal, 'read');
    const target = targetOf(device);
    return may(principal, 'read', target) || (isFromHub && may(principal, 'connect', target));
  };
  return {
    name: 'topics of devices',
    authorizeSubscribe(client, topicFilter) {
      // Wildcards from further up are held back message by message.
      if (!topicFilter.startsWith(devices) || !isOn()) return ALLOW;
      return mayHear(client, topicFilter) ? ALLOW : NOT_YOURS;
    },
    authorizePublish(client, { topicName }) {
      if (!topicName.startsWith(devices)) return topicName.startsWith(hubs) && isOn() ? NOT_YOURS : ALLOW;
      if (!isOn()) return ALLOW;
      const { device, isFromHub } = ownedBy(topicName, devices);
      if (device === undefined || (isFromHub && !takesCommands(device))) return NOT_YOURS;
      return may(identify(client), isFromHub ? 'command' : 'connect', targetOf(device)) ? ALLOW : NOT_YOURS;
    },
    authorizeReceive: (client, topicName) =>
      !topicName.startsWith(devices) || !isOn() || mayHear(client, topicName),
  };
}

function ownedBy(topic: string, below: string): Owned {
  const [device = '', kind = ''] = topic.slice(below.length).split('/', 2);
  return { device: isDeviceId(device) ? device : undefined, isFromHub: FROM_HUB.includes(kind) };
}
