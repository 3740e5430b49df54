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
import type { ProtocolVersion, QoS } from '../../src/mqtt/codec/control-packet.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import type { PublishPacket } from '../../src/mqtt/codec/publish.ts';
import { ReasonCode } from '../../src/mqtt/codec/reason-code.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import type { TransportAcceptor } from '../../src/mqtt/transport/transport.ts';
import { ManualClock } from './manual-clock.ts';
import type { MemoryTransportOptions } from './memory-transport.ts';
import { connectPacket, WireClient } from './mqtt-wire-client.ts';
import { recordingLogger, type RecordedLine } from './recording-logger.ts';

/** For what all versions say alike. */
export const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];
export const QOS_LEVELS: readonly QoS[] = [0, 1, 2];

export const VERSION_NAMES: Readonly<Record<ProtocolVersion, string>> = {
  3: 'MQTT 3.1',
  4: 'MQTT 3.1.1',
  5: 'MQTT 5.0',
};

export type ConnectFields = Partial<Omit<ConnectPacket, 'type' | 'protocolVersion'>>;

/** A broker without `$SYS` topics, closed when the test ends. */
export async function startBroker(t: TestContext, options: BrokerOptions = {}): Promise<Broker> {
  const broker = new Broker({ sysTopicIntervalMs: 0, ...options });
  t.after(() => broker.close());
  await broker.start();
  return broker;
}

/** A broker whose time stands still, and what it logs. Its functions need no `this`: take those that a test wants. */
export type BrokerRig = {
  readonly broker: Broker;
  readonly clock: ManualClock;
  readonly lines: readonly RecordedLine[];
  /** A network connection; nothing is said yet. */
  open(this: void, version?: ProtocolVersion, options?: MemoryTransportOptions): WireClient;
  /** A client that is connected. */
  connected(this: void, fields?: ConnectFields, version?: ProtocolVersion): Promise<WireClient>;
  /** A client of MQTT 5.0 that has one subscription, of QoS 2 and with the RETAIN flag as it was published. */
  subscribed(this: void, topicFilter: string, fields?: ConnectFields): Promise<WireClient>;
  /** The Client Identifiers of all sessions. */
  sessionIds(this: void): string[];
};

export async function startRig(t: TestContext, options: BrokerOptions = {}): Promise<BrokerRig> {
  const clock = new ManualClock();
  const { log, lines } = recordingLogger();
  const broker = await startBroker(t, { clock, log, ...options });
  const open: BrokerRig['open'] = (version = 5, transport = {}) => new WireClient(broker, version, transport);
  const connectedTo: BrokerRig['connected'] = (fields = {}, version = 5) =>
    connected(broker, version, fields);
  return {
    broker,
    clock,
    lines,
    open,
    connected: connectedTo,
    async subscribed(topicFilter, fields = {}) {
      const client = await connectedTo(fields);
      await client.subscribe(topicFilter, { qos: 2, retainAsPublished: true });
      return client;
    },
    sessionIds: () => Array.from(broker.sessions(), ({ client }) => client.clientId),
  };
}

/** A client that has its CONNACK. */
export async function connected(
  acceptor: TransportAcceptor,
  version: ProtocolVersion = 5,
  fields: ConnectFields = {},
  transport: MemoryTransportOptions = {},
): Promise<WireClient> {
  const client = new WireClient(acceptor, version, transport);
  await client.connect(fields);
  return client;
}

/** What a client asks for whose session goes on without it. */
export function lasting(clientId: string, version: ProtocolVersion = 5): ConnectFields {
  const properties = version === 5 ? { sessionExpiryInterval: 1000 } : {};
  return { clientId, cleanStart: false, properties };
}

export function textOf({ payload }: PublishPacket): string {
  return Buffer.from(payload).toString();
}

/** The PUBLISHes among these packets. */
export function publishesOf(packets: readonly ControlPacket[]): PublishPacket[] {
  return packets.filter((packet) => packet.type === 'publish');
}

/** The payloads of all PUBLISHes that come until the broker has nothing more to say. */
export async function textsOf(client: WireClient): Promise<string[]> {
  return publishesOf(await client.all()).map(textOf);
}

export function acknowledge(
  client: WireClient,
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
  packetId: number,
  reasonCode: ReasonCode = ReasonCode.SUCCESS,
): void {
  client.send({ type, packetId, reasonCode, properties: {} });
}

/** Reads all PUBLISHes, and acknowledges each to the end, until no more come. */
export async function readAcknowledging(client: WireClient): Promise<PublishPacket[]> {
  const received: PublishPacket[] = [];
  for (let packets = await client.all(); packets.length > 0; packets = await client.all()) {
    for (const packet of packets) {
      if (packet.type === 'pubrel') acknowledge(client, 'pubcomp', packet.packetId);
      if (packet.type !== 'publish') continue;
      received.push(packet);
      if (packet.qos === 1) acknowledge(client, 'puback', packet.packetId);
      if (packet.qos === 2) acknowledge(client, 'pubrec', packet.packetId);
    }
  }
  return received;
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
