import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { formatHostPort } from '../base/address.ts';
import type { Config } from '../hub/config/config-schema.ts';
import { configuredPorts, type ConfiguredPort } from '../hub/config/configured-ports.ts';

/** How long another hub may take to say that it is one. */
const HUB_ANSWER_TIMEOUT_MS = 1000;
const MAX_HUB_ANSWER_BYTES = 1000;

/** Flags for ports; keys without one have a variable. */
const PORT_FLAGS: Readonly<Record<string, string>> = {
  'http.port': '--http-port',
  'gateways.socket.tcpPort': '--tcp-port',
  'gateways.socket.udpPort': '--udp-port',
  'gateways.socket.tls.port': 'RECADO_GATEWAYS_SOCKET_TLS_PORT',
  'mqtt.port': '--mqtt-port',
  'mqtt.tls.port': 'RECADO_MQTT_TLS_PORT',
};

/**
 * Lines about every port of the configuration that another program holds at this moment, and, where that program is a
 * Recado hub, about it. Empty when all ports are free by now.
 */
export async function describeTakenPorts(config: Config): Promise<string[]> {
  const ports = configuredPorts(config);
  const isTaken = await Promise.all(ports.map((each) => isPortTaken(each)));
  const taken = ports.filter((_each, index) => isTaken[index]);
  const lines = taken.map(
    ({ kind, host, port, key }) =>
      `${kind} port ${port} on ${host} is in use by another program. ` +
      `Choose another with ${PORT_FLAGS[key]}, or ${key} in the configuration.`,
  );
  const http = taken.find(({ key }) => key === 'http.port');
  const url = http && callableUrl(http, config.http.tls.enabled ? 'https' : 'http');
  if (url !== undefined && (await isRecado(url))) lines.push(`A Recado hub is already running at ${url}.`);
  return lines;
}

/** Whether another program holds the port. Anything else that keeps it from being opened is not asked here. */
function isPortTaken({ kind, host, port }: ConfiguredPort): Promise<boolean> {
  return new Promise((resolve) => {
    const isInUse = (error: NodeJS.ErrnoException): void => resolve(error.code === 'EADDRINUSE');
    const options = { host, address: host, port, exclusive: true };
    if (kind === 'TCP') {
      const server = createServer().once('error', isInUse);
      server.listen(options, () => server.close(() => resolve(false)));
    } else {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').once('error', isInUse);
      socket.bind(options, () => socket.close(() => resolve(false)));
    }
  });
}

/** An address that listens everywhere is no address to call. */
function callableUrl({ host, port }: ConfiguredPort, scheme: string): string {
  const callable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${scheme}://${formatHostPort(callable, port)}`;
}

async function isRecado(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(HUB_ANSWER_TIMEOUT_MS);
    const answer = await fetch(`${url}/api/v1/health`, { signal, redirect: 'error' });
    const length = Number(answer.headers.get('content-length') ?? Number.NaN);
    if (!(length <= MAX_HUB_ANSWER_BYTES)) return false;
    const said: unknown = await answer.json();
    const { name, type } = said as { readonly name?: unknown; readonly type?: unknown };
    // One that wants a token says so in words of its own.
    return name === 'recado' || type === 'urn:recado:problem:unauthenticated';
  } catch {
    // Whatever holds the port, it does not speak as a hub does.
    return false;
  }
}
