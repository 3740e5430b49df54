import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker, listenTcp } from '../../src/mqtt/index.ts';
import { describeRpc, type RpcRig } from './rpc.ts';

async function openEmbedded(): Promise<RpcRig> {
  const broker = new Broker();
  await broker.start();
  return { open: async () => embedBus(broker), close: () => broker.close() };
}

/** Every second bus is one in the process of the broker. */
async function openMixed(): Promise<RpcRig> {
  const rig = await openClient(5);
  const buses = [rig.open, async () => embedBus(rig.broker)];
  let count = 0;
  return { ...rig, open: () => buses[count++ % 2]!() };
}

async function openClient(protocolVersion: 4 | 5): Promise<RpcRig & { readonly broker: Broker }> {
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

describeRpc('EmbeddedBus', { isMqtt5: true, skip: false, openRig: openEmbedded });
describeRpc('ClientBus to EmbeddedBus', { isMqtt5: true, skip: false, openRig: openMixed });
describeRpc('ClientBus and this broker over MQTT 5', {
  isMqtt5: true,
  skip: false,
  openRig: () => openClient(5),
});
describeRpc('ClientBus and this broker over MQTT 3.1.1', {
  isMqtt5: false,
  skip: false,
  openRig: () => openClient(4),
});
