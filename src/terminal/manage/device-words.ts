import type { Device, DeviceDetails, Reading } from '../../client/index.ts';
import type { HubStatus } from './hub-session.ts';
import { sayIfKnown, sayNumber, type Say } from '../messages.ts';
import { msSince, sayDuration } from './time-words.ts';
import type { Cell } from '../ui/rows.ts';

/** The command that answers what a device is: it has its own place on the pages. */
const DESCRIBE = 'describe';

/** What a device is called besides its id: its title, else its model; empty when it has neither. */
export function titleOf(device: Device): string {
  return device.title ?? device.model ?? '';
}

/** What people have sorted it under: `  #floor2 #kitchen`; empty where they have not. */
export function sayTags({ tags = [] }: Device): string {
  return tags.map((tag, index) => `${index === 0 ? '  ' : ' '}#${tag}`).join('');
}

export function sayPresence(say: Say, device: Device, now: number): string {
  const { status, since } = device.presence;
  return say(`presence.${status}.for`, { time: sayDuration(msSince(since, now)) });
}

/** The dot before a device: full when it is online, empty when it is not, dotted while the hub cannot tell. */
export function presenceDot(device: Device, status: HubStatus): Cell {
  if (status.kind === 'gone') return { text: '◌', width: 2, tone: 'dim' };
  const isOnline = device.presence.status === 'online';
  return { text: isOnline ? '●' : '○', width: 2, tone: isOnline ? 'good' : 'dim' };
}

/** Why the last change of presence happened; the hub's own word when it is a new one. */
export function sayReason(say: Say, reason: string): string {
  return sayIfKnown(say, `reason.${reason}`) ?? reason;
}

/** What a metric is called: as the device describes it, else by its name. */
export function titleOfMetric(device: Device | DeviceDetails, metric: string): string {
  const described =
    'telemetry' in device ? device.telemetry.find((item) => item.metric === metric) : undefined;
  return described?.title ?? metric;
}

/** The value of a reading with its unit: `25 °C`. */
export function sayReading(say: Say, reading: Reading): string {
  const value =
    typeof reading.value === 'number' ? sayNumber(say, String(reading.value)) : String(reading.value);
  return reading.unit === null || reading.unit === '' ? value : `${value} ${reading.unit}`;
}

/** True for the command that asks a device for its general description. */
export function isDescribe(command: {
  readonly name: string;
  readonly kind: string;
  readonly input: unknown;
}): boolean {
  return command.name === DESCRIBE && command.kind === 'read' && command.input === null;
}
