import type { TestContext } from 'node:test';
import { connectMqtt, type MqttClient } from '../../src/mqtt/client/client.ts';
import type { ClientEvent, MqttClientOptions } from '../../src/mqtt/client/client-options.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { PublishPacket } from '../../src/mqtt/codec/publish.ts';
import type { ReasonCode } from '../../src/mqtt/codec/reason-code.ts';
import { ScriptedBroker, welcome, type Script } from './scripted-broker.ts';

const QUICK: MqttClientOptions = {
  protocolVersion: 5,
  reconnectMinMs: 1,
  reconnectMaxMs: 5,
  timeoutMs: 20_000,
};

/** What came to a client: copies, which stay. */
export type Arrived = { readonly topicName: string; readonly text: string; readonly dup: boolean };

export type ClientRig = {
  readonly broker: ScriptedBroker;
  readonly client: MqttClient;
  readonly events: ClientEvent[];
  readonly arrived: Arrived[];
};

/** A client, and a broker that does what the script says; what it says nothing of has no answer. */
export async function openClientRig(
  t: TestContext,
  script: Script,
  options: MqttClientOptions = {},
): Promise<ClientRig> {
  const broker = await ScriptedBroker.start(script);
  const events: ClientEvent[] = [];
  const arrived: Arrived[] = [];
  const { onMessage = () => {}, ...others } = options;
  const client = await connectMqtt(broker.url, {
    ...QUICK,
    onEvent: (event) => events.push(event),
    onMessage(message) {
      arrived.push({ topicName: message.topicName, text: message.payload.toString(), dup: message.dup });
      return onMessage(message);
    },
    ...others,
  });
  t.after(async () => {
    await client.close();
    await broker.close();
  });
  return { broker, client, events, arrived };
}

/** Says yes to CONNECT, and nothing else. */
export const welcoming: Script = (packet, client) => {
  if (packet.type === 'connect') client.send(welcome());
};

/** Answers everything as if all were well. */
export const kindly: Script = (packet, client) => {
  welcoming(packet, client);
  if (packet.type === 'subscribe')
    client.send({ type: 'suback', packetId: packet.packetId, properties: {}, reasonCodes: [0] });
  if (packet.type === 'unsubscribe')
    client.send({ type: 'unsuback', packetId: packet.packetId, properties: {}, reasonCodes: [0] });
  if (packet.type === 'publish' && packet.qos === 1) client.send(acknowledgement('puback', packet.packetId));
  if (packet.type === 'publish' && packet.qos === 2) client.send(acknowledgement('pubrec', packet.packetId));
  if (packet.type === 'pubrel') client.send(acknowledgement('pubcomp', packet.packetId));
};

export function acknowledgement(
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
  packetId: number,
  reasonCode: ReasonCode = 0,
): ControlPacket {
  return { type, packetId, reasonCode, properties: {} };
}

/** A CONNACK that goes on with a session. */
export const WELCOME_BACK: ControlPacket = {
  type: 'connack',
  sessionPresent: true,
  reasonCode: 0,
  properties: {},
};

/** A PUBLISH of the broker. */
export function publishPacket(
  topicName: string,
  text: string,
  fields: Partial<PublishPacket> = {},
): ControlPacket {
  return {
    type: 'publish',
    dup: false,
    qos: 0,
    retain: false,
    topicName,
    packetId: 0,
    properties: {},
    payload: Buffer.from(text),
    ...fields,
  };
}

/** A message to publish. */
export function messageOf<Q extends 0 | 1 | 2>(
  topicName: string,
  qos: Q,
  bytes = 1,
): { topicName: string; qos: Q; payload: Uint8Array } {
  return { topicName, qos, payload: new Uint8Array(bytes) };
}
