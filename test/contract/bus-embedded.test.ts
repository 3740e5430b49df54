import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker, listenTcp } from '../../src/mqtt/index.ts';
import { describeBus, type BusRig } from './bus.ts';

async function openEmbedded(): Promise<BusRig> {
  const broker = new Broker();
  await broker.start();
  return { open: async () => embedBus(broker), close: () => broker.close() };
}

async function openClient(protocolVersion: 4 | 5): Promise<BusRig> {
  const broker = new Broker();
  await broker.start();
  const listener = await listenTcp(broker, { port: 0, host: '127.0.0.1' });
  return {
    open: (options = {}) => connectBus(`mqtt://127.0.0.1:${listener.port}`, { protocolVersion, ...options }),
    close: async () => {
      await broker.close();
      await listener.close();
    },
  };
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
