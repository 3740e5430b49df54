import { listenError } from '../../base/listen-error.ts';
import { RecadoError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { ListeningAddress } from '../../gateways/gateway.ts';
import { RefusalLog } from '../../mqtt/transport/refusal-log.ts';
import type { OnRefused, RefusalCounts } from '../../mqtt/transport/refusals.ts';
import { listenTcp } from '../../mqtt/transport/tcp.ts';
import { listenTls, type TlsListener } from '../../mqtt/transport/tls.ts';
import type { Listener, TransportAcceptor } from '../../mqtt/transport/transport.ts';
import { listenUnix } from '../../mqtt/transport/unix.ts';
import type { Config } from '../config/config-schema.ts';
import type { TlsReload } from '../tls/tls-reload.ts';

type Name = 'mqtt' | 'mqtt-tls' | 'mqtt-unix';
type Open = { readonly name: Name; readonly listener: Listener & { readonly refusals: RefusalCounts } };

export type MqttListeners = {
  readonly listening: readonly ListeningAddress[];
  /** Connections that did not get as far as the broker, by listener and reason. */
  refusals(): Readonly<Record<string, RefusalCounts>>;
  /** Takes no more connections. Those that are there are the broker's to end. */
  close(): Promise<void>;
};

type Parts = {
  readonly acceptorOf: (name: Name) => TransportAcceptor;
  readonly tlsReload: TlsReload;
  readonly log: Logger;
};

/**
 * Opens the listeners of the section `mqtt`, WebSocket excepted.
 *
 * @throws {RecadoError} `CONFIG_INVALID`, `PORT_IN_USE` or `LISTEN_FAILED`. Nothing is left open then.
 */
export async function openMqttListeners(mqtt: Config['mqtt'], parts: Parts): Promise<MqttListeners> {
  const open: Open[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map(({ listener }) => listener.close()));
  };
  try {
    const refusalLog = new RefusalLog(parts.log);
    open.push({ name: 'mqtt', listener: await openTcp(mqtt, parts, refusalLog) });
    if (mqtt.tls.enabled) open.push({ name: 'mqtt-tls', listener: await openTls(mqtt, parts, refusalLog) });
    if (mqtt.unixSocket !== '') {
      const onRefused = refusalLog.of('mqtt-unix');
      const options = { path: mqtt.unixSocket, mode: Number.parseInt(mqtt.unixSocketMode, 8), onRefused };
      open.push({ name: 'mqtt-unix', listener: await openUnix(parts.acceptorOf('mqtt-unix'), options) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    listening: open.map(({ name, listener }) => ({ name, address: listener.url })),
    refusals: () => Object.fromEntries(open.map(({ name, listener }) => [name, listener.refusals])),
    close,
  };
}

function openTcp(mqtt: Config['mqtt'], parts: Parts, refusalLog: RefusalLog): Promise<Open['listener']> {
  const { host, port } = mqtt;
  const options = { host, port, ...proxyProtocol(mqtt), onRefused: refusalLog.of('mqtt') };
  const keys = { portFlag: '--mqtt-port', portKey: 'mqtt.port', hostKey: 'mqtt.host' };
  return listenTcp(parts.acceptorOf('mqtt'), options).catch((error: unknown) => {
    throw listenError(error, { kind: 'TCP', host, port, ...keys });
  });
}

async function openTls(
  mqtt: Config['mqtt'],
  { acceptorOf, tlsReload }: Parts,
  refusalLog: RefusalLog,
): Promise<TlsListener> {
  const { host, port, clientCertificates: requestClientCertificate } = mqtt.tls;
  const options = {
    host,
    port,
    ...proxyProtocol(mqtt),
    ...(await tlsReload.read()),
    requestClientCertificate,
    onRefused: refusalLog.of('mqtt-tls'),
  };
  // There is no flag for it, but a variable.
  const keys = { portFlag: 'RECADO_MQTT_TLS_PORT', portKey: 'mqtt.tls.port', hostKey: 'mqtt.tls.host' };
  const listener = await listenTls(acceptorOf('mqtt-tls'), options).catch((error: unknown) => {
    throw listenError(error, { kind: 'TCP', host, port, ...keys });
  });
  tlsReload.watch((material) => listener.reload(material));
  return listener;
}

function openUnix(
  acceptor: TransportAcceptor,
  options: { path: string; mode: number; onRefused: OnRefused },
): Promise<Open['listener']> {
  return listenUnix(acceptor, options).catch((error: unknown) => {
    if (!(error instanceof RecadoError)) throw error;
    const text = `${error.message} Choose another with mqtt.unixSocket in the configuration.`;
    throw new RecadoError(error.code, text, { cause: error });
  });
}

function proxyProtocol({ proxyProtocolNetworks: trustedNetworks }: Config['mqtt']): {
  proxyProtocol?: { readonly trustedNetworks: readonly string[] };
} {
  return trustedNetworks.length === 0 ? {} : { proxyProtocol: { trustedNetworks } };
}
