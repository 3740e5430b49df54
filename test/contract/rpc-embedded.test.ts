import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker } from '../../src/mqtt/index.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
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
  const { broker, url, close } = await openBrokerOnTcp();
  return { broker, open: () => connectBus(url, { protocolVersion }), close };
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
