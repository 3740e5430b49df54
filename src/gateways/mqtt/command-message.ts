import type { MessageProperties, OutgoingMessage } from '../../bus/bus.ts';
import type { Invocation } from '../../devices/invocation.ts';
import { deviceTopic } from './device-topics.ts';

const EMPTY = new Uint8Array(0);

/** What a device is sent that is asked for something. */
export function commandMessage(
  prefix: string,
  invocation: Invocation,
  { isEnvelope, now }: { readonly isEnvelope: boolean; readonly now: number },
): OutgoingMessage {
  const { id, deviceId, command, inputText, remainingMs } = invocation;
  const deadlineMs = Math.ceil(remainingMs);
  return {
    topicName: deviceTopic(prefix, deviceId, 'commands', `${command.name}/${id}`),
    payload: isEnvelope
      ? envelope(inputText, now + deadlineMs)
      : inputText === undefined
        ? EMPTY
        : Buffer.from(inputText),
    qos: 1,
    properties: commandProperties(invocation, deviceTopic(prefix, deviceId, 'answers', id), deadlineMs),
  };
}

/** The caller has left. */
export function cancelMessage(prefix: string, { id, deviceId }: Invocation): OutgoingMessage {
  return { topicName: deviceTopic(prefix, deviceId, 'cancel', id), payload: EMPTY, qos: 0 };
}

/** Before MQTT 5.0 nothing expires by itself: a device that asks for it is told in the payload until when. */
function envelope(inputText: string | undefined, deadline: number): Uint8Array {
  const until = JSON.stringify(new Date(deadline).toISOString());
  const input = inputText === undefined ? '' : `"input":${inputText},`;
  return Buffer.from(`{${input}"deadline":${until}}`);
}

function commandProperties(
  { id, inputText, lasting, traceparent }: Invocation,
  responseTopic: string,
  deadlineMs: number,
): MessageProperties {
  const userProperties: [string, string][] = [['deadline-ms', String(deadlineMs)]];
  const key = lasting?.idempotency?.key;
  if (key !== undefined) userProperties.push(['idempotency-key', key]);
  if (traceparent !== undefined) userProperties.push(['traceparent', traceparent]);
  return {
    messageExpiryInterval: Math.max(1, Math.ceil(deadlineMs / 1000)),
    ...(inputText !== undefined && { contentType: 'application/json' }),
    responseTopic,
    correlationData: Buffer.from(id),
    userProperties,
  };
}
