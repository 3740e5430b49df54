import type { TestContext } from 'node:test';
import { Broker } from '../../src/mqtt/broker/broker.ts';
import type { BrokerOptions } from '../../src/mqtt/broker/options.ts';
import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import type { ProtocolVersion, QoS } from '../../src/mqtt/codec/control-packet.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { PublishPacket } from '../../src/mqtt/codec/publish.ts';
import { ReasonCode } from '../../src/mqtt/codec/reason-code.ts';
import type { TransportAcceptor } from '../../src/mqtt/transport/transport.ts';
import type { MemoryTransportOptions } from './memory-transport.ts';
import { WireClient } from './mqtt-wire-client.ts';

export const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];
export const QOS_LEVELS: readonly QoS[] = [0, 1, 2];

type ConnectFields = Partial<Omit<ConnectPacket, 'type' | 'protocolVersion'>>;

/** A broker without `$SYS` topics, closed when the test ends. */
export async function startBroker(t: TestContext, options: BrokerOptions = {}): Promise<Broker> {
  const broker = new Broker({ sysTopicIntervalMs: 0, ...options });
  await broker.start();
  t.after(() => broker.close());
  return broker;
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
