import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker, listenTcp } from '../../src/mqtt/index.ts';
import { describeRpc, type RpcBench } from './rpc.ts';

async function openEmbedded(): Promise<RpcBench> {
  const broker = new Broker();
  await broker.start();
  return { open: async () => embedBus(broker), close: () => broker.close() };
}

/** Every second bus is one in the process of the broker. */
async function openMixed(): Promise<RpcBench> {
  const bench = await openClient(5);
  const buses = [bench.open, async () => embedBus(bench.broker)];
  let count = 0;
  return { ...bench, open: () => buses[count++ % 2]!() };
}

async function openClient(protocolVersion: 4 | 5): Promise<RpcBench & { readonly broker: Broker }> {
  const broker = new Broker();
  await broker.start();
  const listener = await listenTcp(broker, { port: 0, host: '127.0.0.1' });
  return {
    broker,
    open: () => connectBus(`mqtt://127.0.0.1:${listener.port}`, { protocolVersion }),
    close: async () => {
      await broker.close();
      await listener.close();
    },
  };
}

describeRpc('EmbeddedBus', { isMqtt5: true, skip: false, openBench: openEmbedded });
describeRpc('ClientBus to EmbeddedBus', { isMqtt5: true, skip: false, openBench: openMixed });
describeRpc('ClientBus and this broker over MQTT 5', {
  isMqtt5: true,
  skip: false,
  openBench: () => openClient(5),
});
describeRpc('ClientBus and this broker over MQTT 3.1.1', {
  isMqtt5: false,
  skip: false,
  openBench: () => openClient(4),
});
