import type { TestContext } from 'node:test';
import { startServer, type RunningServer } from '../../src/api/start-server.ts';
import type { Config } from '../../src/hub/config/config-schema.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import type { Json } from './json.ts';
import { recordingLogger, type RecordedLine } from './recording-logger.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends object ? Mutable<T[K]> : T[K] };

export type MutableConfig = Mutable<Config>;

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Json;
};

export type TestHub = {
  readonly server: RunningServer;
  readonly url: string;
  readonly tcpPort: number;
  readonly udpPort: number;
  /** 0 without MQTT. */
  readonly mqttPort: number;
  /** Counters of the socket gateway. */
  readonly counters: Readonly<Record<string, number>>;
  readonly logged: readonly RecordedLine[];
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
};

/** A real hub on free ports, closed when the test ends. `change` adjusts the default configuration. */
export async function startTestHub(
  t: TestContext,
  change: (config: MutableConfig) => void = () => {},
): Promise<TestHub> {
  const config = defaultConfig() as MutableConfig;
  config.inMemory = true;
  config.http.port = 0;
  config.gateways.socket.tcpPort = 0;
  config.gateways.socket.udpPort = 0;
  config.mqtt.port = 0;
  change(config);
  const { log, lines } = recordingLogger();
  const server = await startServer(config, { log });
  t.after(() => server.close());
  const url = addressOf(server, 'http').replace('0.0.0.0', '127.0.0.1');
  return {
    server,
    url,
    tcpPort: Number(new URL(addressOf(server, 'socket-tcp')).port),
    udpPort: Number(new URL(addressOf(server, 'socket-udp')).port),
    mqttPort: Number(new URL(findAddress(server, 'mqtt') ?? 'mqtt://-:0').port),
    counters: server.hub.gateways[0]?.counters ?? {},
    logged: lines,
    call: (method, path, body, headers) => callHub(url + path, method, body, headers),
  };
}

export async function callHub(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

function addressOf(server: RunningServer, name: string): string {
  const found = findAddress(server, name);
  if (found === undefined) throw new Error(`the hub does not listen on ${name}`);
  return found;
}

function findAddress(server: RunningServer, name: string): string | undefined {
  return server.listening.find((item) => item.name === name)?.address;
}
