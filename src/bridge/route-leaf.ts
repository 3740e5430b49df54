import { Type } from '../config/type.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import { isBrokerUrl } from '../mqtt/client/broker-address.ts';
import type { ValueMistake } from '../config/config-keys.ts';
import type { Contradiction } from '../config/load-config.ts';
import { readHttpCall } from './http-call.ts';
import { readHttpRoute } from './http-route.ts';
import { readMapping, type Mapping, type MappingWords } from './mapping.ts';
import { isValidTopicName } from '../mqtt/topics/topic-name.ts';

/* The kinds of keys that gateway.yaml and agent.yaml have beside those of config/leaf.ts. */

/** What `payload` may refer to. */
export const PAYLOAD_WORDS: MappingWords = { roots: ['body', 'query', 'params'] };
/** What `reply` may refer to, on both sides. */
export const ANSWER_WORDS: MappingWords = { roots: ['answer', 'request', 'status'], shortRoot: 'answer' };

const ANY_LEVELS = Number.POSITIVE_INFINITY;
/** Longer than an answer is ever waited for. */
const MAX_TIME_MS = 3_600_000;

type LeafText = {
  readonly default?: string;
  readonly secret?: boolean;
  readonly emptyIsUnset?: boolean;
  readonly description: string;
};

/** A text, and what is made of it. */
const textLeaf = <T>(readText: (text: string) => Result<T, string>, leaf: LeafText) =>
  Type.Unsafe<T>({ read: (written: unknown) => readTextLeaf(written, readText), ...leaf });

function readTextLeaf<T>(
  written: unknown,
  readText: (text: string) => Result<T, string>,
): Result<T, readonly ValueMistake[]> {
  const reading = typeof written === 'string' && written !== '' ? readText(written) : fail('must be a text');
  return reading.ok ? reading : fail([{ steps: [], message: reading.failure }]);
}

function readTopicName(text: string): Result<string, string> {
  if (isValidTopicName(text, ANY_LEVELS)) return succeed(text);
  return fail('must be a topic without + and #, as api/ping/request');
}

function readShareName(text: string): Result<string, string> {
  return isValidTopicName(text, 1) ? succeed(text) : fail('must be a name without / + #');
}

function readStatus(written: unknown): Result<Mapping, readonly ValueMistake[]> {
  const isPath = typeof written === 'string' && written.startsWith('$') && !written.startsWith('$$');
  if (isPath || isHttpStatus(written)) return readMapping(written, ANSWER_WORDS);
  return fail([{ steps: [], message: 'must be a status from 200 to 599, or where it stands, as $.status' }]);
}

/** One that an answer may end with. */
export function isHttpStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599;
}

function readBroker(text: string): Result<string, string> {
  if (isBrokerUrl(text)) return succeed(text);
  // Without the text, which may hold a password.
  return fail('must be the address of an MQTT broker, as mqtt://localhost:1883 (or mqtts:, ws:, wss:)');
}

export const topicName = (description: string) => textLeaf(readTopicName, { description });
export const shareName = (description: string) => textLeaf(readShareName, { description });
export const httpRoute = (description: string) => textLeaf(readHttpRoute, { description });
export const httpCall = (description: string) => textLeaf(readHttpCall, { description });
export const mapping = (words: MappingWords, description: string) =>
  Type.Optional(
    Type.Unsafe<Mapping>({ read: (written: unknown) => readMapping(written, words), description }),
  );
/** An HTTP status, or where in the answer it stands. */
export const statusMapping = (description: string) =>
  Type.Optional(Type.Unsafe<Mapping>({ read: readStatus, description }));

export const broker = () =>
  textLeaf(readBroker, {
    secret: true,
    emptyIsUnset: true,
    default: 'mqtt://localhost:1883',
    description: 'The MQTT broker, as mqtt://user:password@host:1883; also mqtts://, ws:// and wss://.',
  });
export const timeoutMs = (byDefault: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: MAX_TIME_MS, unit: 'ms', default: byDefault, description });
export const shutdownTimeoutMs = () =>
  timeoutMs(5000, 'Time for everything to close when the program is told to stop.');

/** Agents would answer answers for ever, and a gateway takes a question of one route for the answer to another. */
export function findAnswerLoop(
  routes: readonly { readonly request: string; readonly response: string }[],
  index: number,
): Contradiction[] {
  const response = routes[index]?.response;
  const isOwn = routes[index]?.request === response;
  const asked = isOwn ? index : routes.findIndex(({ request }) => request === response);
  if (asked < 0) return [];
  const whose = isOwn ? 'the request' : `routes[${asked}].request`;
  const message = `is the topic of ${whose} too; answers need one of their own`;
  return [{ paths: [`routes[${index}].response`], message }];
}
