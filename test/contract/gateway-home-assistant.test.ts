import type { TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { ANONYMOUS } from '../../src/accounts/principal.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { DeviceRegistry } from '../../src/devices/device-registry.ts';
import type { Gateway, ListeningAddress } from '../../src/gateways/gateway.ts';
import { HomeAssistantGateway } from '../../src/gateways/home-assistant/home-assistant-gateway.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import { ClientWatch } from '../../src/hub/mqtt/client-watch.ts';
import { GatewayBroker } from '../../src/hub/mqtt/gateway-broker.ts';
import { Broker } from '../../src/mqtt/broker/broker.ts';
import { listenTcp, type TcpListener } from '../../src/mqtt/transport/tcp.ts';
import { openFeed } from '../helpers/open-feed.ts';
import { describeGateway, type ReceivedCommand, type RigDevice } from './gateway.ts';

/** The broker in the same process, with the gateway that reads what is announced there. */
class HomeAssistantRig implements Gateway {
  readonly name = 'home-assistant';
  readonly #gateway: HomeAssistantGateway;
  readonly #broker: Broker;
  #listener: TcpListener | undefined;

  constructor(registry: DeviceRegistry) {
    const clients = new ClientWatch(() => ANONYMOUS);
    this.#broker = new Broker({ hooks: [clients.hooks], log: silentLogger });
    const broker = new GatewayBroker(
      { prefix: 'recado', hubId: 'contract', hubUrl: '', url: '', broker: this.#broker, clients },
      { log: silentLogger, clock: systemClock },
    );
    this.#gateway = new HomeAssistantGateway(defaultConfig().gateways.homeAssistant, {
      broker,
      ledger: new Ledger(),
      registry,
      feed: openFeed(),
      shownPrefix: 'recado',
      ownTopics: [],
      log: silentLogger,
    });
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#gateway.counters;
  }

  async start(): Promise<readonly ListeningAddress[]> {
    await this.#broker.start();
    await this.#gateway.start();
    this.#listener = await listenTcp(this.#broker, { port: 0, host: '127.0.0.1' });
    return [{ name: 'mqtt', address: `mqtt://127.0.0.1:${this.#listener.port}` }];
  }

  async stop(): Promise<void> {
    await this.#gateway.stop();
    await this.#listener?.close();
    await this.#broker.close();
  }
}

/** MQTT.js as a device with two texts, which it shows when it has taken them, and two sensors. */
async function connectDevice(
  t: TestContext,
  listening: readonly ListeningAddress[],
  number: number,
): Promise<RigDevice> {
  const id = `greenhouse-${number}`;
  const status = `${id}/status`;
  const client = await connectAsync(listening[0]!.address, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    will: { topic: status, payload: Buffer.from('offline'), qos: 1, retain: true },
  });
  t.after(() => client.endAsync(true));
  const retain = (topic: string, payload: string): Promise<unknown> =>
    client.publishAsync(topic, payload, { qos: 1, retain: true });
  const received: ReceivedCommand[] = [];
  const waiting: ((command: ReceivedCommand) => void)[] = [];
  client.on('message', (topicName, payload) => {
    const input = payload.toString();
    const command: ReceivedCommand = {
      input,
      answer: () => void client.publish(topicName.replace(/set$/, 'state'), input, { qos: 1 }),
      refuse: () => {},
    };
    const next = waiting.shift();
    if (next === undefined) received.push(command);
    else next(command);
  });
  const dropped = new Promise<void>((resolve) => void client.once('close', () => resolve()));
  await client.subscribeAsync([`${id}/song/set`, `${id}/mode/set`], { qos: 1 });
  const common = { device: { identifiers: [id] }, availability_topic: status };
  const announce = (platform: string, key: string, config: object): Promise<unknown> =>
    retain(`homeassistant/${platform}/${id}/${key}/config`, JSON.stringify({ ...common, ...config }));
  for (const key of ['song', 'mode'])
    await announce('text', key, { command_topic: `${id}/${key}/set`, state_topic: `${id}/${key}/state` });
  for (const key of ['temperature', 'humidity'])
    await announce('sensor', key, { state_topic: `${id}/${key}`, state_class: 'measurement' });
  await retain(status, 'online');
  return {
    id,
    report: async (metric, value) => {
      await client.publishAsync(`${id}/${metric}`, String(value), { qos: 1 });
    },
    leave: () => client.stream.destroy(),
    dropped: () => dropped,
    nextCommand: async () => received.shift() ?? new Promise((resolve) => void waiting.push(resolve)),
  };
}

describeGateway("the gateway for Home Assistant's discovery", {
  make: (registry) => new HomeAssistantRig(registry),
  connect: connectDevice,
  commands: { withoutInput: 'mode', withInput: 'song' },
  plainInput: 'quiet',
  // The state shows that it was done, and nothing else comes back.
  outputOf: () => ({ effect: 'seen' }),
  refusalCode: 'ANSWER_TIMEOUT',
  phase: 'delivered',
});
