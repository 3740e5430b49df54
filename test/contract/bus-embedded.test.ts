import assert from 'node:assert/strict';
import { it } from 'node:test';
import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker } from '../../src/mqtt/index.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
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
