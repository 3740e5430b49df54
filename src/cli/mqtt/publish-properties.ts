import type { Command } from 'commander';
import { fail, succeed, type Result } from '../../base/result.ts';
import type { MessageProperties } from '../../bus/bus.ts';
import { MAX_UINT_32 } from '../../mqtt/codec/control-packet.ts';

/** By the names that mosquitto_pub has for them. */
const READERS: Readonly<Record<string, (value: string) => MessageProperties | undefined>> = {
  'content-type': (contentType) => ({ contentType }),
  'response-topic': (responseTopic) => (/^[^+#]+$/.test(responseTopic) ? { responseTopic } : undefined),
  'correlation-data': (value) => ({ correlationData: Buffer.from(value) }),
  'message-expiry-interval': (value) => {
    const messageExpiryInterval = readNumber(value, MAX_UINT_32);
    return messageExpiryInterval === undefined ? undefined : { messageExpiryInterval };
  },
  'payload-format-indicator': (value) => {
    const payloadFormatIndicator = readNumber(value, 1);
    return payloadFormatIndicator === undefined ? undefined : { payloadFormatIndicator };
  },
};

/**
 * Reads the words of all `-D` flags: `publish user-property name value`, `publish content-type text/plain`.
 *
 * @param words - of one flag after the other: each names how many belong to it
 */
export function readPublishProperties(words: readonly string[]): Result<MessageProperties, string> {
  let properties: MessageProperties = {};
  const rest = [...words];
  while (rest.length > 0) {
    const [command = '', name = '', value] = rest.splice(0, 3);
    if (command !== 'publish') return fail(`-D ${command}: here are properties of publish only`);
    if (value === undefined) return fail(`-D publish ${name}: its value is missing`);
    if (name === 'user-property') {
      const second = rest.shift();
      if (second === undefined) return fail('-D publish user-property needs a name and a value');
      properties = { ...properties, userProperties: [...(properties.userProperties ?? []), [value, second]] };
      continue;
    }
    const read = READERS[name];
    if (read === undefined) {
      const known = ['user-property', ...Object.keys(READERS)].join(', ');
      return fail(`-D publish ${name}: there is no such property; there are ${known}`);
    }
    const found = read(value);
    if (found === undefined) return fail(`-D publish ${name}: it cannot be "${value}"`);
    properties = { ...properties, ...found };
  }
  return succeed(properties);
}

/** The properties of all `-D` flags. Ends through `command.error` when one is wrong. */
export function readPropertyFlags(words: readonly string[] = [], command: Command): MessageProperties {
  const reading = readPublishProperties(words);
  return reading.ok ? reading.value : command.error(`error: ${reading.failure}`);
}

function readNumber(text: string, max: number): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}
