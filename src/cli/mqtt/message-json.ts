import { parseJson } from '../../base/json.ts';
import { isUtf8 } from 'node:buffer';
import type { MessageProperties } from '../../mqtt/client/message.ts';
import { formatIsoTimeWithMicroseconds } from './local-time.ts';
import type { PrintableMessage } from './printable-message.ts';

/**
 * A message as one line of JSON, with the keys of mosquitto_sub. Bytes that are no text stand in base64 under
 * `payload-base64` instead of `payload`.
 *
 * @param payload - `json`: as the JSON that it is; undefined when it is none
 */
export function jsonOf(message: PrintableMessage, now: Date, payload: 'text' | 'json'): string | undefined {
  const head = JSON.stringify({
    tst: formatIsoTimeWithMicroseconds(now),
    topic: message.topicName,
    qos: message.qos,
    retain: message.retain ? 1 : 0,
    payloadlen: message.payload.length,
    ...(message.qos > 0 && { mid: message.packetId }),
    ...(Object.keys(message.properties).length > 0 && { properties: propertiesOf(message.properties) }),
  });
  const end = payload === 'text' ? textPayload(message.payload) : jsonPayload(message.payload);
  return end === undefined ? undefined : `${head.slice(0, -1)},${end}}`;
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The same on many lines, laid out as mosquitto_sub does. The tokens stay: numbers keep all of their digits. */
export function prettyJson(text: string): string {
  const open: string[] = [];
  let laidOut = '';
  const newLine = (): string => `\n${'\t'.repeat(open.length)}`;
  let before = '';
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '}' || token === ']') {
      open.pop();
      laidOut += `${token === '}' ? newLine() : ''}${token}`;
    } else {
      const isMember = open.at(-1) === '{' && (before === '{' || before === ',');
      laidOut += isMember ? `${newLine()}${token}` : token;
    }
    if (token === '{' || token === '[') open.push(token);
    if (token === ':') laidOut += '\t';
    if (token === ',' && open.at(-1) === '[') laidOut += ' ';
    before = token;
  }
  return laidOut;
}

function textPayload(payload: Uint8Array): string {
  return JSON.stringify(textOrBase64('payload', payload)).slice(1, -1);
}

/** The text itself, not what a parser makes of it: numbers keep all of their digits. */
function jsonPayload(payload: Uint8Array): string | undefined {
  if (!isUtf8(payload)) return undefined;
  const text = Buffer.from(payload).toString();
  return parseJson(text) === undefined ? undefined : `"payload":${text.trim()}`;
}

function propertiesOf(properties: MessageProperties): object {
  const {
    payloadFormatIndicator,
    messageExpiryInterval,
    contentType,
    responseTopic,
    correlationData,
    userProperties,
  } = properties;
  return {
    ...(userProperties !== undefined && { 'user-properties': groupByName(userProperties) }),
    ...(contentType !== undefined && { 'content-type': contentType }),
    ...(responseTopic !== undefined && { 'response-topic': responseTopic }),
    ...(correlationData !== undefined && textOrBase64('correlation-data', correlationData)),
    ...(payloadFormatIndicator !== undefined && { 'payload-format-indicator': payloadFormatIndicator }),
    ...(messageExpiryInterval !== undefined && { 'message-expiry-interval': messageExpiryInterval }),
  };
}

/** A name that comes more than once has a list. */
function groupByName(pairs: NonNullable<MessageProperties['userProperties']>): object {
  const groups = Object.entries(Object.groupBy(pairs, ([name]) => name));
  return Object.fromEntries(
    groups.map(([name, group = []]) => {
      const values = group.map(([, value]) => value);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

function textOrBase64(key: string, bytes: Uint8Array): object {
  const buffer = Buffer.from(bytes);
  return isUtf8(buffer) ? { [key]: buffer.toString() } : { [`${key}-base64`]: buffer.toString('base64') };
}
