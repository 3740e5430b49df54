import { parseBrokerUrl } from '../../bus/broker-address.ts';
import { readHttpCall } from '../../fixed-routes/http-call.ts';
import { readHttpRoute, type RouteReading } from '../../fixed-routes/http-route.ts';
import { readMapping, type MappingReading, type MappingWords } from '../../fixed-routes/mapping.ts';
import { PAYLOAD_WORDS, REPLY_WORDS } from '../../fixed-routes/route-definitions.ts';
import { isValidTopicName } from '../../mqtt/topics/topic-name.ts';
import { checkValue, type ValueMistake } from '../config/check-value.ts';
import type { SchemaNode } from '../config/config-keys.ts';

/** The value of a key, read as its kind wants it, or what is wrong with it. */
export type LeafReading =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly mistakes: readonly ValueMistake[] };

const ANY_LEVELS = Number.POSITIVE_INFINITY;

/** How a text of each format is read. */
const TEXT_READERS: Readonly<Record<string, (text: string) => LeafReading>> = {
  'http-route': (text) => ofReading(readHttpRoute(text)),
  'http-call': (text) => ofReading(readHttpCall(text)),
  'topic-name': (text) =>
    isValidTopicName(text, ANY_LEVELS)
      ? { ok: true, value: text }
      : wrong('must be a topic without + and #, as api/ping/request'),
  'share-name': (text) =>
    isValidTopicName(text, 1) ? { ok: true, value: text } : wrong('must be a name without / + #'),
  'broker-url': readBroker,
};

const MAPPINGS: Readonly<Record<string, MappingWords>> = {
  'payload-mapping': PAYLOAD_WORDS,
  'reply-mapping': REPLY_WORDS,
};

export function readLeaf(value: unknown, schema: SchemaNode): LeafReading {
  const { format = '', secret = false } = schema;
  const words = MAPPINGS[format];
  if (words !== undefined) return ofMapping(readMapping(value, words));
  const readText = TEXT_READERS[format];
  if (readText === undefined) {
    const mistakes = checkValue(value, schema, secret);
    return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, value };
  }
  return typeof value === 'string' && value !== '' ? readText(value) : wrong('must be a text');
}

function readBroker(text: string): LeafReading {
  try {
    parseBrokerUrl(text);
    return { ok: true, value: text };
  } catch {
    // Not its own message: that shows the text, which may hold a password.
    return wrong('must be the address of an MQTT broker, as mqtt://localhost:1883 (or mqtts:, ws:, wss:)');
  }
}

function ofMapping(reading: MappingReading): LeafReading {
  return reading.ok ? { ok: true, value: reading.mapping } : reading;
}

function ofReading(reading: RouteReading<unknown>): LeafReading {
  return reading.ok ? reading : wrong(reading.message);
}

function wrong(message: string): LeafReading {
  return { ok: false, mistakes: [{ steps: [], message }] };
}
