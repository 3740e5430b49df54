import { connectBus } from '../../src/bus/client-bus.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { describeBus, type BusRig } from './bus.ts';

const skip = whyNoMosquitto();

async function openRig(protocolVersion: 4 | 5): Promise<BusRig> {
  const broker = await new Mosquitto().start();
  return {
    broker,
    open: (options = {}) =>
      connectBus(broker.url, { protocolVersion, reconnectMinMs: 10, reconnectMaxMs: 50, ...options }),
    close: () => broker.remove(),
  };
}

describeBus('ClientBus and Mosquitto over MQTT 5', { isMqtt5: true, skip, openRig: () => openRig(5) });
describeBus('ClientBus and Mosquitto over MQTT 3.1.1', {
  isMqtt5: false,
  skip,
  openRig: () => openRig(4),
});
