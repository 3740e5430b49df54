import type { TestContext } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { ANONYMOUS } from '../../src/accounts/principal.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { openFeed } from '../helpers/open-feed.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { DeviceRegistry } from '../../src/devices/device-registry.ts';
import type { Gateway, ListeningAddress } from '../../src/gateways/gateway.ts';
import { MqttGateway } from '../../src/gateways/mqtt/mqtt-gateway.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import { ClientWatch } from '../../src/hub/mqtt/client-watch.ts';
import { GatewayBroker } from '../../src/hub/mqtt/gateway-broker.ts';
import { Broker } from '../../src/mqtt/broker/broker.ts';
import { listenTcp, type TcpListener } from '../../src/mqtt/transport/tcp.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { Nats, whyNoNats } from '../helpers/nats.ts';
import { describeGateway, type GatewayRig, type ReceivedCommand, type RigDevice } from './gateway.ts';

const HUB_ID = 'contract';
const STATUS = `recado/hubs/${HUB_ID}`;

function gatewayOver(registry: DeviceRegistry, broker: GatewayBroker): MqttGateway {
  return new MqttGateway(defaultConfig().gateways.mqtt, {
    broker,
    ledger: new Ledger(),
    registry,
    feed: openFeed(),
    caller: { begin: nobodyAsks, cancel: nobodyAsks },
    log: silentLogger,
  });
}

function nobodyAsks(): never {
  throw new Error('nothing is exported here');
}

const hubParts = { prefix: 'recado', hubId: HUB_ID, hubUrl: '' };
const log = { log: silentLogger, clock: systemClock };

/** The broker in the same process, with the gateway that hears who comes to it. */
class EmbeddedRig implements Gateway {
  readonly name = 'mqtt';
  readonly #gateway: MqttGateway;
  readonly #broker: Broker;
  #listener: TcpListener | undefined;

  constructor(registry: DeviceRegistry) {
    const clients = new ClientWatch(() => ANONYMOUS);
    this.#broker = new Broker({ hooks: [clients.hooks], log: silentLogger });
    const broker = new GatewayBroker({ ...hubParts, url: '', broker: this.#broker, clients }, log);
    this.#gateway = gatewayOver(registry, broker);
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

/** Another program is the broker. */
class ExternalRig implements Gateway {
  readonly name = 'mqtt';
  readonly #program: Mosquitto | Nats;
  readonly #registry: DeviceRegistry;
  #gateway: MqttGateway | undefined;

  constructor(registry: DeviceRegistry, program: Mosquitto | Nats) {
    this.#registry = registry;
    this.#program = program;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#gateway?.counters ?? {};
  }

  async start(): Promise<readonly ListeningAddress[]> {
    await this.#program.start();
    const address = this.#program.url;
    const clients = new ClientWatch(() => ANONYMOUS);
    const broker = new GatewayBroker({ ...hubParts, url: address, broker: undefined, clients }, log);
    this.#gateway = gatewayOver(this.#registry, broker);
    await this.#gateway.start();
    return [{ name: 'mqtt', address }];
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
    await this.#program.remove();
  }
}

const DESCRIPTION = {
  commands: {
    ligar: { title: 'Ligar', kind: 'action' },
    'setar-musica': { title: 'Setar música', kind: 'write', input: { type: 'string' } },
  },
};

/** MQTT.js as a device. */
async function connectDevice(
  t: TestContext,
  listening: readonly ListeningAddress[],
  number: number,
  protocolVersion: 4 | 5,
): Promise<RigDevice> {
  const id = `greenhouse-${number}`;
  const below = `recado/devices/${id}`;
  const url = listening[0]!.address;
  const client = await connectAsync(url, {
    protocolVersion,
    reconnectPeriod: 0,
    will: { topic: `${below}/presence`, payload: Buffer.from('offline'), qos: 1, retain: true },
  });
  t.after(() => client.endAsync(true));
  const { commands, dropped } = listen(client, id);
  await client.subscribeAsync([`${below}/commands/#`, STATUS], { qos: 1 });
  const retained = { qos: 1, retain: true } as const;
  await client.publishAsync(`${below}/description`, JSON.stringify(DESCRIPTION), retained);
  await client.publishAsync(`${below}/presence`, 'online', retained);
  return {
    id,
    report: async (metric, value) => void client.publish(`${below}/telemetry/${metric}`, String(value)),
    leave: () => void client.stream.destroy(),
    dropped: () => dropped,
    nextCommand: () => commands.next(),
  };
}

/** Commands as they come, and the hub's farewell. */
function listen(
  client: MqttClient,
  id: string,
): { commands: { next(): Promise<ReceivedCommand> }; dropped: Promise<void> } {
  const received: ReceivedCommand[] = [];
  const waiting: ((command: ReceivedCommand) => void)[] = [];
  const { promise: dropped, resolve: drop } = Promise.withResolvers<void>();
  // Another broker may be gone before it has handed the farewell on.
  client.once('close', () => drop());
  client.on('message', (topicName, payload) => {
    const text = payload.toString();
    if (topicName === STATUS) {
      if ((JSON.parse(text) as { state: string }).state === 'offline') drop();
      return;
    }
    const invocationId = topicName.slice(topicName.lastIndexOf('/') + 1);
    const answer = (value: unknown): void =>
      void client.publish(`recado/devices/${id}/answers/${invocationId}`, JSON.stringify(value), { qos: 1 });
    const command: ReceivedCommand = {
      input: text === '' ? undefined : (JSON.parse(text) as unknown),
      answer,
      refuse: () => answer({ error: { code: 'TANK_EMPTY', message: 'no water' } }),
    };
    const next = waiting.shift();
    if (next === undefined) received.push(command);
    else next(command);
  });
  const next = async (): Promise<ReceivedCommand> =>
    received.shift() ?? new Promise((resolve) => void waiting.push(resolve));
  return { commands: { next }, dropped };
}

const rig = {
  commands: { withoutInput: 'ligar', withInput: 'setar-musica' },
  refusalCode: 'DEVICE_ERROR',
} satisfies Partial<GatewayRig>;

for (const version of [4, 5] as const) {
  const name = version === 4 ? 'MQTT 3.1.1' : 'MQTT 5';
  describeGateway(`the MQTT gateway on the hub's own broker, and devices of ${name}`, {
    ...rig,
    make: (registry) => new EmbeddedRig(registry),
    connect: (t, listening, number) => connectDevice(t, listening, number, version),
    phase: 'delivered',
    leaving: 'connection-failed',
  });
  describeGateway(
    `the MQTT gateway on a Mosquitto, and devices of ${name}`,
    {
      ...rig,
      make: (registry) => new ExternalRig(registry, new Mosquitto()),
      connect: (t, listening, number) => connectDevice(t, listening, number, version),
    },
    whyNoMosquitto(),
  );
}

describeGateway(
  'the MQTT gateway on a broker that speaks MQTT 3.1.1 only',
  {
    ...rig,
    make: (registry) => new ExternalRig(registry, new Nats()),
    connect: (t, listening, number) => connectDevice(t, listening, number, 4),
  },
  whyNoNats(),
);
