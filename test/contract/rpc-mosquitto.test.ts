import { connectBus } from '../../src/bus/client-bus.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { describeRpc, type RpcRig } from './rpc.ts';

const skip = whyNoMosquitto();

async function openRig(protocolVersion: 4 | 5): Promise<RpcRig> {
  const broker = await new Mosquitto().start();
  return { open: () => connectBus(broker.url, { protocolVersion }), close: () => broker.remove() };
}

describeRpc('ClientBus and Mosquitto over MQTT 5', { isMqtt5: true, skip, openRig: () => openRig(5) });
describeRpc('ClientBus and Mosquitto over MQTT 3.1.1', {
  isMqtt5: false,
  skip,
  openRig: () => openRig(4),
});
