import type { TestContext } from 'node:test';
import { Broker } from '../../src/mqtt/broker/broker.ts';
import type {
  BrokerHooks,
  ClientInfo,
  ConnectVerdict,
  DisconnectCause,
} from '../../src/mqtt/broker/hooks.ts';
import type { BrokerOptions } from '../../src/mqtt/broker/options.ts';
import type { ConnectPacket, WillMessage } from '../../src/mqtt/codec/connect.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import { ManualClock } from './manual-clock.ts';
import type { MemoryTransportOptions } from './memory-transport.ts';
import { connectPacket, WireClient } from './mqtt-wire-client.ts';

/** For what all versions say alike. */
export const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];

export const VERSION_NAMES: Readonly<Record<ProtocolVersion, string>> = {
  3: 'MQTT 3.1',
  4: 'MQTT 3.1.1',
  5: 'MQTT 5.0',
};

export type ConnectFields = Partial<Omit<ConnectPacket, 'type' | 'protocolVersion'>>;

/** A broker whose time stands still. Its functions need no `this`: take those that a test wants. */
export type ConnectRig = {
  readonly broker: Broker;
  readonly clock: ManualClock;
  /** A network connection; nothing is said yet. */
  open(this: void, version?: ProtocolVersion, options?: MemoryTransportOptions): WireClient;
  /** A client that is connected. */
  connected(this: void, fields?: ConnectFields, version?: ProtocolVersion): Promise<WireClient>;
  /** A client of MQTT 5.0 that has one subscription, of QoS 2 and with the RETAIN flag as it was published. */
  subscribed(this: void, topicFilter: string, fields?: ConnectFields): Promise<WireClient>;
  /** The Client Identifiers of all sessions. */
  sessionIds(this: void): string[];
};

/** Starts a broker that ends with the test. */
export async function startBroker(t: TestContext, options: BrokerOptions = {}): Promise<ConnectRig> {
  const clock = new ManualClock();
  const broker = new Broker({ clock, sysTopicIntervalMs: 0, ...options });
  await broker.start();
  t.after(() => broker.close());
  const open: ConnectRig['open'] = (version = 5, transport = {}) =>
    new WireClient(broker, version, transport);
  const connected: ConnectRig['connected'] = async (fields = {}, version = 5) => {
    const client = open(version);
    await client.connect(fields);
    return client;
  };
  return {
    broker,
    clock,
    open,
    connected,
    async subscribed(topicFilter, fields = {}) {
      const client = await connected(fields);
      await client.subscribe(topicFilter, { qos: 2, retainAsPublished: true });
      return client;
    },
    sessionIds: () => Array.from(broker.sessions(), ({ client }) => client.clientId),
  };
}

/** Remembers who came and who left, and why. */
export class Attendance implements BrokerHooks {
  readonly name = 'attendance';
  readonly arrived: ClientInfo[] = [];
  readonly left: { readonly clientId: string; readonly cause: DisconnectCause }[] = [];

  onConnected(client: ClientInfo): void {
    this.arrived.push(client);
  }

  onDisconnected({ clientId }: ClientInfo, cause: DisconnectCause): void {
    this.left.push({ clientId, cause });
  }
}

/** An `authenticate` hook that answers each CONNECT when the test says so. */
export class SlowGuard implements BrokerHooks {
  readonly name = 'slow guard';
  readonly #waiting: PromiseWithResolvers<ConnectVerdict>[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  authenticate(): Promise<ConnectVerdict> {
    const answer = Promise.withResolvers<ConnectVerdict>();
    this.#waiting.push(answer);
    return answer.promise;
  }

  /** Answers the one that has waited longest. */
  answer(verdict: ConnectVerdict): void {
    this.#waiting.shift()!.resolve(verdict);
  }

  fail(error: Error): void {
    this.#waiting.shift()!.reject(error);
  }
}

/** The bytes of packets, one after the other. */
export function bytesOf(version: ProtocolVersion, ...packets: readonly ControlPacket[]): Buffer {
  const writer = new PacketWriter();
  for (const packet of packets) encodePacket(writer, packet, version);
  return writer.take();
}

/** The bytes of a CONNECT. */
export function connectBytes(version: ProtocolVersion, fields: ConnectFields = {}): Buffer {
  return bytesOf(version, connectPacket(version, fields));
}

/** A Will of `bye` to `will`. */
export function willOf(fields: Partial<WillMessage> = {}): WillMessage {
  return {
    topicName: 'will',
    payload: new TextEncoder().encode('bye'),
    qos: 0,
    retain: false,
    properties: {},
    ...fields,
  };
}
