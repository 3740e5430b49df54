import type { TestContext } from 'node:test';
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { until } from './until.ts';

/** A message as MQTT.js got it. */
export type Heard = {
  readonly topicName: string;
  readonly text: string;
  readonly packet: IPublishPacket;
};

/** MQTT.js as a device, or as anybody else at its broker: it does only what it is told. */
export class MqttDeviceClient {
  readonly client: MqttClient;
  readonly below: string;
  readonly heard: Heard[] = [];

  private constructor(client: MqttClient, id: string) {
    this.client = client;
    this.below = `recado/devices/${id}`;
    client.on('message', (topicName, payload, packet) => {
      this.heard.push({ topicName, text: payload.toString(), packet });
    });
  }

  static async connect(
    t: TestContext,
    url: string,
    id: string,
    options: IClientOptions = {},
  ): Promise<MqttDeviceClient> {
    const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...options });
    t.after(() => client.endAsync(true));
    return new MqttDeviceClient(client, id);
  }

  /** Describes itself, takes its commands and says that it is there. */
  async come(description: object): Promise<this> {
    await this.client.subscribeAsync(`${this.below}/commands/#`, { qos: 1 });
    await this.retain('description', JSON.stringify(description));
    return this.retain('presence', 'online');
  }

  async retain(rest: string, payload: string): Promise<this> {
    await this.client.publishAsync(`${this.below}/${rest}`, payload, { qos: 1, retain: true });
    return this;
  }

  async say(
    rest: string,
    payload: string,
    properties: NonNullable<Parameters<MqttClient['publish']>[2]>['properties'] = {},
  ): Promise<void> {
    await this.client.publishAsync(`${this.below}/${rest}`, payload, { qos: 1, properties });
  }

  /** The next message on a topic below the device's, taken out. */
  async next(rest: string): Promise<Heard> {
    const start = `${this.below}/${rest}`;
    const index = await until(`a message on ${start}`, () => {
      const found = this.heard.findIndex(({ topicName }) => topicName.startsWith(start));
      return found < 0 ? undefined : { found };
    });
    return this.heard.splice(index.found, 1)[0]!;
  }

  /** As if its power was cut. */
  drop(): void {
    this.client.stream.destroy();
  }
}

/** The last level of a topic: of a command, the id of its invocation. */
export function lastLevel(topicName: string): string {
  return topicName.slice(topicName.lastIndexOf('/') + 1);
}
