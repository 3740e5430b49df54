import { shareOpenFiles } from '../base/open-files.ts';
import type { Config } from './config/config-schema.ts';

/**
 * Of the descriptors that are not HTTP's, what MQTT or devices may have at the most. With the other half newcomers are
 * still within what the ledger gives to all.
 */
const LARGEST_PART = 1 / 2;

/** The configuration with as many connections as leave each listener descriptors to accept with. */
export function shareConnections(config: Config): Config {
  const { mqtt, gateways } = config;
  const most = Math.floor(shareOpenFiles().others * LARGEST_PART);
  const listeners = [true, mqtt.tls.enabled, mqtt.webSocket.enabled, mqtt.unixSocket !== ''].filter(Boolean);
  const ofEach = Math.max(1, Math.floor(most / listeners.length));
  const { socket } = gateways;
  return {
    ...config,
    mqtt: { ...mqtt, maxConnections: Math.min(mqtt.maxConnections, ofEach) },
    gateways: { ...gateways, socket: { ...socket, maxConnections: Math.min(socket.maxConnections, most) } },
  };
}
