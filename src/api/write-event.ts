import type { DeviceEvent, DeviceEventKind, MissedEvents } from '../devices/events.ts';
import { showTime, writeInvocation } from './resources.ts';

type EventOf<Kind extends DeviceEventKind> = Extract<DeviceEvent, { readonly kind: Kind }>;

/** An event as Server-Sent Events have it. @param id - what a reader goes on from that comes back */
export function writeEvent(event: DeviceEvent | MissedEvents, id: string): string {
  return `id: ${id}\nevent: ${event.kind}\ndata: ${writeData(event)}\n\n`;
}

/** Its data as JSON, on one line. By hand: readings come by the thousand, and the others have their parts as text. */
export function writeData(event: DeviceEvent | MissedEvents): string {
  if (event.kind === 'missed') return `{"count":${event.count}}`;
  const write = WRITERS[event.kind] as (event: DeviceEvent) => string;
  const time = showTime(event.time);
  return `{"deviceId":${JSON.stringify(event.deviceId)},"time":"${time}"${write(event)}}`;
}

/** What each kind has beside its device and its time. */
const WRITERS: { readonly [Kind in DeviceEventKind]: (event: EventOf<Kind>) => string } = {
  reading: ({ metric, value, unit }) =>
    `,"metric":${JSON.stringify(metric)},"value":${JSON.stringify(value)},"unit":${textOrNull(unit)}`,
  presence: ({ presence: { status, sequence, reason, since } }) =>
    `,"presence":${JSON.stringify({ status, sequence, reason, since: showTime(since) })}`,
  description: ({ title, model, commandCount }) =>
    `,"title":${textOrNull(title)},"model":${textOrNull(model)},"commandCount":${commandCount}`,
  unavailable: ({ reason }) => `,"reason":${JSON.stringify(reason)}`,
  invocation: ({ invocation }) => {
    const { code, lateAnsweredAt: late } = invocation;
    const lateAnswer = late > 0 ? `,"lateAnsweredAt":"${showTime(late)}"` : '';
    return `,"invocation":${writeInvocation(invocation)},"code":${textOrNull(code)}${lateAnswer}`;
  },
  event: ({ name, data = 'null' }) => `,"name":${JSON.stringify(name)},"data":${data}`,
  forgotten: () => '',
};

function textOrNull(text: string | undefined): string {
  return text === undefined ? 'null' : JSON.stringify(text);
}
