import { isDeviceId } from '../../devices/description.ts';

/** What is said on a topic of a device. */
const DEVICE_TOPIC_KINDS = [
  'description',
  'presence',
  'telemetry',
  'events',
  'commands',
  'answers',
  'cancel',
] as const;
type DeviceTopicKind = (typeof DEVICE_TOPIC_KINDS)[number];

/** `recado/devices/pump-1/answers/i7` is of device `pump-1`, of the kind `answers`, and `i7` is the rest. */
export type DeviceTopic = {
  readonly deviceId: string;
  readonly kind: DeviceTopicKind;
  /** Behind the kind; empty where the topic ends with it. */
  readonly rest: string;
};

/** All topics of devices begin with it. */
export function devicesBelow(prefix: string): string {
  return `${prefix}/devices/`;
}

/** The Topic Filter for all devices. */
export function allDevices(prefix: string, rest: string): string {
  return `${prefix}/devices/+/${rest}`;
}

export function deviceTopic(prefix: string, deviceId: string, kind: DeviceTopicKind, rest = ''): string {
  return rest === ''
    ? `${prefix}/devices/${deviceId}/${kind}`
    : `${prefix}/devices/${deviceId}/${kind}/${rest}`;
}

/**
 * Reads a topic, or a Topic Filter whose device and kind are written out.
 *
 * @param below - of `devicesBelow`
 * @returns undefined for what is no topic of a device
 */
export function readDeviceTopic(below: string, topic: string): DeviceTopic | undefined {
  if (!topic.startsWith(below)) return undefined;
  const idEnd = topic.indexOf('/', below.length);
  if (idEnd < 0) return undefined;
  const deviceId = topic.slice(below.length, idEnd);
  const kindEnd = topic.indexOf('/', idEnd + 1);
  const word = kindEnd < 0 ? topic.slice(idEnd + 1) : topic.slice(idEnd + 1, kindEnd);
  const kind = DEVICE_TOPIC_KINDS.find((known) => known === word);
  if (kind === undefined || !isDeviceId(deviceId)) return undefined;
  return { deviceId, kind, rest: kindEnd < 0 ? '' : topic.slice(kindEnd + 1) };
}

/** A metric may hold what a level of a topic cannot: it is percent-encoded there. */
export function metricLevel(metric: string): string {
  return metric.replace(/[/+#%\0]/g, (character) => encodeURIComponent(character));
}

/** The metric of a level; undefined when it is not one level, or not encoded well. */
export function readMetricLevel(level: string): string | undefined {
  if (level.includes('/')) return undefined;
  if (!level.includes('%')) return level;
  try {
    return decodeURIComponent(level);
  } catch {
    return undefined;
  }
}
