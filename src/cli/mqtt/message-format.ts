import type { Command } from 'commander';
import { escapeControls, escapeLine } from '../../base/printable-text.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import { formatIsoTime, formatTimePart } from './local-time.ts';
import { jsonOf, prettyJson } from './message-json.ts';
import type { PrintableMessage } from './printable-message.ts';

/** What a message is printed with, beside itself. */
type FormatContext = { readonly clientId: string; readonly now: Date };

/** Gives the bytes to print, or why the message cannot be printed so. */
export type MessageFormat = (message: PrintableMessage, context: FormatContext) => Result<Uint8Array, string>;

type Part = (message: PrintableMessage, context: FormatContext) => string | Uint8Array | Unprintable;
class Unprintable {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

type Width = {
  readonly isLeft: boolean;
  readonly isZero: boolean;
  readonly min: number;
  readonly max: number;
};

const EMPTY = new Uint8Array(0);

/** The form that `-F` and `-v` ask for. Ends through `command.error` when there is no such form. */
export function chooseFormat(
  flags: { readonly format?: string; readonly verbose?: true; readonly pretty?: true },
  isTerminal: boolean,
  command: Command,
): MessageFormat {
  const { format, verbose, pretty: isPretty = false } = flags;
  if (format === undefined) return verbose === true ? formatVerbose(isTerminal) : formatPayload(isTerminal);
  const reading = readFormat(format, { isPretty, isTerminal });
  return reading.ok ? reading.value : command.error(`error: -F: ${reading.failure}`);
}

/** Just the payload. */
export function formatPayload(isTerminal: boolean): MessageFormat {
  return ({ payload }) => succeed(isTerminal ? harmless(payload) : payload);
}

/** `-v`: the topic, a space, the payload, which is `(null)` when it is empty, as in mosquitto_sub. */
export function formatVerbose(isTerminal: boolean): MessageFormat {
  return ({ topicName, payload }) => {
    const topic = Buffer.from(`${isTerminal ? escapeLine(topicName) : topicName} `);
    const shown = isTerminal ? harmless(payload) : payload;
    return succeed(Buffer.concat([topic, payload.length === 0 ? Buffer.from('(null)') : shown]));
  };
}

/** Bytes of others on a terminal: what is no text, or would do something there, is shown and not obeyed. */
function harmless(payload: Uint8Array): Uint8Array {
  return Buffer.from(escapeControls(Buffer.from(payload).toString()));
}

const PARTS: Readonly<Record<string, Part>> = {
  t: ({ topicName }) => topicName,
  p: ({ payload }) => payload,
  q: ({ qos }) => String(qos),
  r: ({ retain }) => (retain ? '1' : '0'),
  l: ({ payload }) => String(payload.length),
  m: ({ packetId }) => String(packetId),
  i: (_message, { clientId }) => clientId,
  x: ({ payload }) => Buffer.from(payload).toString('hex'),
  X: ({ payload }) => Buffer.from(payload).toString('hex').toUpperCase(),
  I: (_message, { now }) => formatIsoTime(now),
  U: (_message, { now }) => `${formatTimePart('s', now)}.${formatTimePart('N', now)}`,
  C: ({ properties }) => properties.contentType ?? '',
  D: ({ properties }) => properties.correlationData ?? EMPTY,
  E: ({ properties }) => String(properties.messageExpiryInterval ?? ''),
  F: ({ properties }) => String(properties.payloadFormatIndicator ?? ''),
  P: ({ properties }) =>
    (properties.userProperties ?? []).map(([name, value]) => `${name}:${value}`).join(' '),
  R: ({ properties }) => properties.responseTopic ?? '',
  A: ({ topicAlias = 0 }) => (topicAlias === 0 ? '' : String(topicAlias)),
  S: ({ subscriptionIdentifiers: [identifier = ''] = [] }) => String(identifier),
};

/** Depend on `--pretty`. */
function jsonParts(isPretty: boolean): Readonly<Record<string, Part>> {
  const show = isPretty ? prettyJson : (text: string): string => text;
  return {
    j: (message, { now }) => show(jsonOf(message, now, 'text') ?? ''),
    J: (message, { now }) => {
      const text = jsonOf(message, now, 'json');
      return text === undefined
        ? new Unprintable(`the payload on ${message.topicName} is not valid JSON`)
        : show(text);
    },
  };
}
/** These are numbers, or as good as: `0` fills them with zeros. */
const ZERO_FILLED = 'AEFlmSxX';
/** Only these are cut to a largest width. */
const CUT = 'CIRt';

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\u0007',
  e: '\u001b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const SEQUENCE = /%([-0]*)(\d{0,4})(?:\.(\d{1,4}))?(.)?|@(.)?|\\(.)?|[^%@\\]+/gsu;

/** Reads a format of `-F` as mosquitto_sub has them: `%` for the message, `@` for the time, `\` for characters. */
export function readFormat(
  text: string,
  {
    isPretty = false,
    isTerminal = false,
  }: { readonly isPretty?: boolean; readonly isTerminal?: boolean } = {},
): Result<MessageFormat, string> {
  const all = { ...PARTS, ...jsonParts(isPretty) };
  const known = isTerminal ? Object.fromEntries(Object.entries(all).map(harmlessPart)) : all;
  const parts: Part[] = [];
  for (const match of text.matchAll(SEQUENCE)) {
    const part = readPart(match, known);
    if (part === undefined) return fail(`"${match[0]}" is nothing that a format can hold`);
    parts.push(part);
  }
  return succeed((message, context) => join(parts.map((part) => part(message, context))));
}

/** Of a message, the payload and JSON may have lines; what the format itself says is its writer's. */
function harmlessPart([letter, part]: [string, Part]): [string, Part] {
  const escape = 'jJ'.includes(letter) ? escapeControls : escapeLine;
  return [
    letter,
    (message, context) => {
      const value = part(message, context);
      if (value instanceof Unprintable) return value;
      return typeof value === 'string' ? escape(value) : harmless(value);
    },
  ];
}

function readPart(match: RegExpExecArray, known: Readonly<Record<string, Part>>): Part | undefined {
  const [whole, flags = '', min = '', max, letter, time, escape] = match;
  if (whole.startsWith('%')) {
    if (letter === '%') return () => '%';
    const part = known[letter ?? ''];
    if (part === undefined) return undefined;
    const width: Width = {
      isLeft: flags.includes('-'),
      isZero: flags.includes('0') && ZERO_FILLED.includes(letter ?? ''),
      min: Number(min),
      max: max !== undefined && CUT.includes(letter ?? '') ? Number(max) : Number.POSITIVE_INFINITY,
    };
    return (message, context) => fit(part(message, context), width);
  }
  if (whole.startsWith('@')) {
    if (time === '@') return () => '@';
    return time === undefined ? undefined : (_message, { now }) => formatTimePart(time, now);
  }
  if (whole.startsWith('\\')) {
    const character = ESCAPES[escape ?? ''];
    return character === undefined ? undefined : () => character;
  }
  return () => whole;
}

function fit(value: ReturnType<Part>, { isLeft, isZero, min, max }: Width): ReturnType<Part> {
  if (value instanceof Unprintable) return value;
  const fill = isZero && !isLeft ? '0' : ' ';
  if (typeof value === 'string') {
    const cut = value.slice(0, max);
    return isLeft ? cut.padEnd(min) : cut.padStart(min, fill);
  }
  if (value.length >= min) return value;
  const padding = Buffer.from(fill.repeat(min - value.length));
  return Buffer.concat(isLeft ? [value, padding] : [padding, value]);
}

function join(values: readonly ReturnType<Part>[]): ReturnType<MessageFormat> {
  const failed = values.find((value) => value instanceof Unprintable);
  if (failed !== undefined) return fail(failed.why);
  const bytes = values.map((value) =>
    typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array),
  );
  return succeed(Buffer.concat(bytes));
}
