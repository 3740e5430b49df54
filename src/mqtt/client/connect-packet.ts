import { MAX_UINT_32, type ProtocolVersion } from '../codec/control-packet.ts';
import type { ConnectPacket, ConnectProperties } from '../codec/connect.ts';
import type { BrokerAddress } from './broker-address.ts';
import { DEFAULT_CLIENT_LIMITS, type ClientSettings } from './client-options.ts';

/** The CONNECT of a client. */
export function connectPacketOf(
  address: BrokerAddress,
  settings: ClientSettings,
  own: { readonly version: ProtocolVersion; readonly clientId: string; readonly cleanStart: boolean },
): ConnectPacket {
  const password = settings.password ?? address.password;
  return {
    type: 'connect',
    protocolVersion: own.version,
    cleanStart: own.cleanStart,
    keepAlive: settings.keepAliveS,
    properties: own.version === 5 ? propertiesOf(settings) : {},
    clientId: own.clientId,
    willMessage: settings.will,
    userName: settings.user ?? address.user,
    password: password === undefined ? undefined : Buffer.from(password),
  };
}

/** What is the standard's default anyway is not said. */
function propertiesOf(settings: ClientSettings): ConnectProperties {
  const { sessionExpiryInterval, maxPacketBytes, receiveMaximum, maxTopicAliases } = settings;
  return {
    ...settings.connectProperties,
    ...(sessionExpiryInterval > 0 && { sessionExpiryInterval: Math.min(sessionExpiryInterval, MAX_UINT_32) }),
    ...(maxPacketBytes < DEFAULT_CLIENT_LIMITS.maxPacketBytes && { maximumPacketSize: maxPacketBytes }),
    ...(receiveMaximum < DEFAULT_CLIENT_LIMITS.receiveMaximum && { receiveMaximum }),
    ...(maxTopicAliases > 0 && { topicAliasMaximum: maxTopicAliases }),
  };
}
