import { isDeviceId } from '../devices/description.ts';
import type { Device } from '../devices/device.ts';
import { RequestRefused } from './problems.ts';
import type { DeviceSelector } from './schemas.ts';

/** Whether a device is one of those that are meant. Throws `REQUEST_INVALID` for ids that cannot be. */
export function readSelector(selector: DeviceSelector): (device: Device) => boolean {
  const { status, gateway, tag } = selector;
  const ids = readDeviceIds(selector);
  const known = ids && new Set(ids);
  const text = selector.q?.toLowerCase();
  return (device) => {
    if (known?.has(device.id) === false) return false;
    if (status !== undefined && device.presence.status !== status) return false;
    if (gateway !== undefined && device.gateway !== gateway) return false;
    if (tag !== undefined && !device.given.tags.includes(tag)) return false;
    return text === undefined || hasText(device, text);
  };
}

/** Whether anything but ids is said: which devices are meant then changes as they do. */
export function choosesByNature({ status, gateway, tag, q }: DeviceSelector): boolean {
  return (status ?? gateway ?? tag ?? q) !== undefined;
}

/** The ids that are named, known or not; undefined where none are. */
export function readDeviceIds({ device }: DeviceSelector): readonly string[] | undefined {
  const ids = device?.split(',');
  const wrong = ids?.find((id) => !isDeviceId(id));
  if (wrong === undefined) return ids;
  throw new RequestRefused('REQUEST_INVALID', `device: ${wrong.slice(0, 64)} is no id of a device.`);
}

function hasText({ id, title, model, given }: Device, text: string): boolean {
  return [id, title, model, ...given.tags].some((field) => field?.toLowerCase().includes(text) === true);
}
