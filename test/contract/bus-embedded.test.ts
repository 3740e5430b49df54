import assert from 'node:assert/strict';
import { it } from 'node:test';
import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker } from '../../src/mqtt/index.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { until } from '../helpers/until.ts';
import { describeBus, type BusRig } from './bus.ts';

async function openEmbedded(): Promise<BusRig> {
  const broker = new Broker();
  await broker.start();
  return { open: async () => embedBus(broker), close: () => broker.close() };
}

async function openClient(protocolVersion: 4 | 5): Promise<BusRig> {
  const { url, close } = await openBrokerOnTcp();
  return { open: (options = {}) => connectBus(url, { protocolVersion, ...options }), close };
}

describeBus('EmbeddedBus', { isMqtt5: true, skip: false, openRig: openEmbedded });
describeBus('ClientBus and this broker over MQTT 5', {
  isMqtt5: true,
  skip: false,
  openRig: () => openClient(5),
});
describeBus('ClientBus and this broker over MQTT 3.1.1', {
  isMqtt5: false,
  skip: false,
  openRig: () => openClient(4),
});

it('EmbeddedBus is connected until it is closed, or its broker is', async () => {
  const broker = new Broker();
  await broker.start();
  const [closed, left] = [embedBus(broker), embedBus(broker)];
  assert.deepEqual([closed.isConnected, closed.takesMore], [true, true]);
  await closed.close();
  assert.deepEqual([closed.isConnected, left.isConnected], [false, true]);
  await broker.close();
  assert.deepEqual([left.isConnected, left.takesMore], [false, false]);
});

it('EmbeddedBus says who published, whose Will it is, and who has acknowledged what', async (t) => {
  const { broker, url, close } = await openBrokerOnTcp();
  t.after(close);
  const bus = embedBus(broker);
  const from: [topicName: string, clientId: string | undefined][] = [];
  await bus.subscribe('#', { qos: 1 }, (message) => {
    from.push([message.topicName, message.from?.clientId]);
  });
  const will = { topicName: 'will', payload: Buffer.from('gone') };
  const client = await connectBus(url, { clientId: 'ann', will });
  await client.publish({ topicName: 'said', payload: Buffer.from('1'), qos: 1 });
  const got = Promise.withResolvers<void>();
  const taken = Promise.withResolvers<void>();
  await client.subscribe('asked', { qos: 1 }, () => {
    got.resolve();
    return taken.promise;
  });
  const acknowledged: string[] = [];
  const onAcknowledged = ({ clientId }: { clientId: string }): void => void acknowledged.push(clientId);
  await bus.publish({ topicName: 'asked', payload: Buffer.from('1'), qos: 1 }, { onAcknowledged });
  await got.promise;
  assert.deepEqual(acknowledged, []);
  taken.resolve();
  await until('it is acknowledged', () => acknowledged.length > 0);
  assert.deepEqual(acknowledged, ['ann']);
  broker.disconnectClient('ann');
  await until('its Will is told', () => from.length === 3);
  assert.deepEqual(from, [
    ['said', 'ann'],
    ['asked', undefined],
    ['will', 'ann'],
  ]);
  await client.close();
});

it('EmbeddedBus is told of an acknowledgement also when the message had to wait', async (t) => {
  const { broker, url, close } = await openBrokerOnTcp();
  t.after(close);
  const bus = embedBus(broker);
  // One at a time, so the second waits for the first.
  const client = await connectBus(url, { clientId: 'ann', receiveMaximum: 1, protocolVersion: 5 });
  await client.subscribe('asked/+', { qos: 1 }, () => {});
  const acknowledged: string[] = [];
  for (const topicName of ['asked/1', 'asked/2', 'asked/3']) {
    const onAcknowledged = (): void => void acknowledged.push(topicName);
    await bus.publish({ topicName, payload: Buffer.from('1'), qos: 1 }, { onAcknowledged });
  }
  await until('all are acknowledged', () => acknowledged.length === 3);
  assert.deepEqual(acknowledged, ['asked/1', 'asked/2', 'asked/3']);
  await client.close();
});
