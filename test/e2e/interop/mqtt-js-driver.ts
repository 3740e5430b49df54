import { connect, connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import type { ProtocolVersion } from '../../../src/mqtt/codec/control-packet.ts';
import type { InteropDriver, ReceivedMessage } from './interop-driver.ts';

/** What MQTT.js takes for each version. */
export function mqttJsOptions(version: ProtocolVersion): IClientOptions {
  return version === 3 ? { protocolId: 'MQIsdp', protocolVersion: 3 } : { protocolVersion: version };
}

export function connectMqttJs(port: number, options: IClientOptions): Promise<MqttClient> {
  return connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, ...options });
}

export const mqttJsDriver: InteropDriver = {
  name: 'MQTT.js',
  skip: false,
  usesReasonCodes: false,

  async listen({ port }, { version, clientId, topicFilter, qos = 0, isDurable = false, will }) {
    const client = connect(`mqtt://127.0.0.1:${port}`, {
      ...mqttJsOptions(version),
      clientId,
      clean: !isDurable,
      reconnectPeriod: 100,
      ...(version === 5 && isDurable && { properties: { sessionExpiryInterval: 1000 } }),
      ...(will !== undefined && { will: { ...will, payload: Buffer.from(will.payload) } }),
    });
    const messages: ReceivedMessage[] = [];
    // Before it is connected: what waited for it comes right after the CONNACK.
    client.on('message', (topic, payload, packet) => {
      messages.push({ topic, payload, qos: packet.qos, retain: packet.retain });
    });
    client.on('error', () => {}); // What it means is seen in what comes, and what does not.
    await new Promise<void>((resolve) => void client.once('connect', () => resolve()));
    await client.subscribeAsync(topicFilter, { qos });
    return {
      messages,
      leave: () => client.endAsync(),
      async breakOff() {
        client.options.reconnectPeriod = 0;
        client.stream.destroy();
        await client.endAsync(true);
      },
    };
  },

  async publish({ port }, { version, topic, payload, qos = 0, retain = false }) {
    const client = await connectMqttJs(port, mqttJsOptions(version));
    await client.publishAsync(topic, Buffer.from(payload), { qos, retain });
    await client.endAsync();
  },

  async publishLines({ port }, { version, topic, qos = 0 }, lines) {
    const client = await connectMqttJs(port, mqttJsOptions(version));
    await Promise.all(lines.map((line) => client.publishAsync(topic, line, { qos })));
    await client.endAsync();
  },
};
