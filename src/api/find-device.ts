import type { Device } from '../devices/device.ts';
import type { Hub } from '../hub/hub.ts';
import { RequestRefused } from './problems.ts';

/** The device with this id; throws `DEVICE_UNKNOWN`. */
export function findDevice(hub: Hub, deviceId: string): Device {
  const device = hub.devices.get(deviceId);
  if (device === undefined) throw new RequestRefused('DEVICE_UNKNOWN', `There is no device ${deviceId}.`);
  return device;
}
