import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect, MqttClient, type IClientOptions, type IConnackPacket } from 'mqtt';
import { hashPassword } from '../../src/mqtt/access/password-hash.ts';
import type { RunningServer } from '../../src/api/start-server.ts';
import { HANG_MS } from './until.ts';

/** A folder for the files of one test. */
export class TestFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'recado-hub-mqtt-'));

  constructor(t: TestContext) {
    t.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** @returns its full name */
  write(name: string, text: string): string {
    writeFileSync(this.file(name), text, { mode: 0o600 });
    return this.file(name);
  }
}

/** A password file with these users. */
export async function passwordLines(users: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(users).map(
    async ([user, password]) => `${user}:${await hashPassword(Buffer.from(password))}\n`,
  );
  return (await Promise.all(lines)).join('');
}

/** A client that connects once: what becomes of it is what the hub said. */
export type Come = IClientOptions & {
  /** Over this Unix socket, whatever the URL says. */
  readonly socketPath?: string;
  /** Bytes before everything else. */
  readonly before?: string;
};

const ONCE: IClientOptions = { reconnectPeriod: 0, connectTimeout: 10_000, protocolVersion: 5 };

function begin(t: TestContext, url: string, { socketPath, before, ...options }: Come): MqttClient {
  const all = { ...ONCE, ...options };
  const { hostname, port } = new URL(url);
  const isOwnStream = socketPath !== undefined || before !== undefined;
  const client = isOwnStream
    ? new MqttClient(() => {
        const socket =
          socketPath === undefined ? connectSocket(Number(port), hostname) : connectSocket(socketPath);
        if (before !== undefined) socket.write(before);
        return socket;
      }, all)
    : connect(url, all);
  t.after(() => client.end(true));
  return client;
}

/** Connects, or fails with what the hub said. */
export async function comeIn(t: TestContext, url: string, come: Come = {}): Promise<MqttClient> {
  const client = begin(t, url, come);
  await welcomeOf(client);
  return client;
}

/** What the hub says of its limits to a client of MQTT 5.0. */
export async function findLimits(
  t: TestContext,
  url: string,
  come: Come = {},
): Promise<IConnackPacket['properties']> {
  return (await welcomeOf(begin(t, url, come))).properties;
}

function welcomeOf(client: MqttClient): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    client.once('connect', resolve);
    client.on('error', reject);
    client.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** The code with which the hub refuses a client: a Reason Code of MQTT 5.0, a return code before; 0 when it does not. */
export async function refusalOf(t: TestContext, url: string, come: Come = {}): Promise<number | string> {
  const client = begin(t, url, come);
  return new Promise((resolve) => {
    client.on('packetreceive', (packet) => {
      if (packet.cmd !== 'connack') return;
      const { reasonCode, returnCode } = packet;
      resolve(reasonCode ?? returnCode ?? -1);
    });
    client.on('error', (error) => void setImmediate(resolve, error.message));
    client.on('close', () => void setImmediate(resolve, 'closed'));
  });
}

/** Subscribes, and gives the messages as they come: `topic payload`. */
export async function listen(client: MqttClient, ...topicFilters: string[]): Promise<string[]> {
  const messages: string[] = [];
  client.on('message', (topicName, payload) => void messages.push(`${topicName} ${payload.toString()}`));
  await client.subscribeAsync(topicFilters, { qos: 1 });
  return messages;
}

/** Publishes at QoS 1; fails when the connection ends instead of bringing an acknowledgement. */
export async function say(client: MqttClient, topicName: string, payload: string): Promise<void> {
  if (!client.connected) throw new Error('the connection is over');
  const ended = new Promise<never>((_, reject) => {
    client.once('close', () => reject(new Error('the connection was closed')));
  });
  await Promise.race([client.publishAsync(topicName, payload, { qos: 1 }), ended]);
}

/** The Reason Code with which the hub ends a connection of MQTT 5.0; fails when it does not. */
export function endOf(client: MqttClient): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the connection was not ended')), HANG_MS);
    client.once('disconnect', ({ reasonCode }) => {
      clearTimeout(timer);
      resolve(reasonCode ?? 0);
    });
  });
}

/** Where a hub listens. */
export function urlOf(server: Pick<RunningServer, 'listening'>, name: string): string {
  const found = server.listening.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the hub does not listen on ${name}`);
  return found.address;
}
