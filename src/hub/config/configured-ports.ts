import type { Config } from './config-schema.ts';

export type ConfiguredPort = {
  /** `http.port` */
  readonly key: string;
  readonly kind: 'TCP' | 'UDP';
  readonly host: string;
  readonly port: number;
};

/** The ports that a hub is told to listen on; not those that it may choose. */
export function configuredPorts({ http, gateways: { socket }, mqtt }: Config): ConfiguredPort[] {
  const { host, enabled, tcpPort, udpPort, tls } = socket;
  const hasTls = mqtt.enabled && mqtt.tls.enabled;
  const ports: readonly (ConfiguredPort & { readonly isOpen: boolean })[] = [
    { key: 'http.port', kind: 'TCP', host: http.host, port: http.port, isOpen: true },
    { key: 'gateways.socket.tcpPort', kind: 'TCP', host, port: tcpPort, isOpen: enabled },
    { key: 'gateways.socket.udpPort', kind: 'UDP', host, port: udpPort, isOpen: enabled },
    {
      key: 'gateways.socket.tls.port',
      kind: 'TCP',
      host: tls.host,
      port: tls.port,
      isOpen: enabled && tls.enabled,
    },
    { key: 'mqtt.port', kind: 'TCP', host: mqtt.host, port: mqtt.port, isOpen: mqtt.enabled },
    { key: 'mqtt.tls.port', kind: 'TCP', host: mqtt.tls.host, port: mqtt.tls.port, isOpen: hasTls },
  ];
  return ports.filter(({ port, isOpen }) => isOpen && port !== 0);
}
