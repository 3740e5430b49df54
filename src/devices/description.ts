import { definedMembers } from '../base/defined-members.ts';
import { isJsonObject, pointerStep } from '../base/json.ts';
import type { Issue } from '../base/errors.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import { COMMAND_KINDS, type Command, type JsonSchema } from './command.ts';
import { checkSchema } from './json-schema.ts';
import { MAX_METRIC_NAME_CHARACTERS, MAX_METRICS_PER_DEVICE } from './telemetry.ts';
import { METRIC_TYPES, type MetricType } from './reading.ts';

export const MAX_COMMANDS_PER_DEVICE = 256;
const MAX_EVENTS_PER_DEVICE = 256;
export const MAX_TITLE_CHARACTERS = 256;
const MAX_EXPECTED_MS = 600_000;

/** What a device reports by itself. */
type MetricDescription = {
  readonly metric: string;
  readonly title?: string;
  readonly unit?: string;
  readonly type?: MetricType;
};

/** Something that can happen at a device, and that it tells. */
export type EventDescription = {
  /** Unique within the device. */
  readonly name: string;
  readonly title?: string;
  /** Absent: any data, or none. */
  readonly data?: JsonSchema;
};

/** A template of a device's config that is not understood: what it is for does not work, and nothing is guessed. */
export type NotUnderstood = {
  /** The kind of its component, as the config calls it. */
  readonly component: string;
  /** Where in the config it stands. */
  readonly key: string;
  readonly template: string;
  /** What is not understood, and where in the template, in characters from its begin. */
  readonly why: string;
  readonly at: number;
};

/** Of a device that others describe: as whom they know it, who they are, and what of their words is not understood. */
type Discovered = {
  readonly identities: readonly string[];
  readonly origins: readonly string[];
  readonly notUnderstood: readonly NotUnderstood[];
};

/** What a device says of itself when it connects. */
export type DeviceDescription = {
  readonly title?: string;
  readonly model?: string;
  readonly commands: readonly Command[];
  readonly telemetry: readonly MetricDescription[];
  /** Absent: it tells none. */
  readonly events?: readonly EventDescription[];
  /** Its commands come with their deadline around the input, where the protocol itself cannot say it. */
  readonly envelope?: true;
  /** Absent: it describes itself. */
  readonly discovered?: Discovered;
  /**
   * For devices whose commands are numbers on the wire: the description in the words of the plain socket protocol,
   * exactly as it came. Such a device is asked any number that a caller gives, and judges by itself.
   */
  readonly numbered?: Readonly<Record<string, unknown>>;
};

const COMMANDS = { pointer: '/commands', what: 'command', most: MAX_COMMANDS_PER_DEVICE };
const METRICS = { pointer: '/telemetry', what: 'metric', most: MAX_METRICS_PER_DEVICE };
const EVENTS = { pointer: '/events', what: 'event', most: MAX_EVENTS_PER_DEVICE };
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Names of commands, and of events: they stand in addresses and topics. */
export function isCommandName(name: string): boolean {
  return NAME.test(name);
}

/** Ids of devices: like names of commands, and `:` besides. */
export function isDeviceId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(id);
}

/**
 * Reads `{title, model?, commands: {name: {title, kind, input?, output?, idempotent?, concurrency?, expectedMs?}},
 * telemetry: {metric: {title, unit?, type}}, events: {name: {title?, data?}}, envelope?}` as a device sent it.
 */
export function readDescription(value: unknown): Result<DeviceDescription, readonly Issue[]> {
  const issues: Issue[] = [];
  if (!isJsonObject(value)) return fail([{ pointer: '', message: 'must be an object' }]);
  const title = readText(value['title'], '/title', issues);
  const model = readText(value['model'], '/model', issues);
  const commands = readMembers(value['commands'] ?? {}, COMMANDS, issues).map(([name, item], index) =>
    readCommand(name, item, index + 1, issues),
  );
  const telemetry = readMembers(value['telemetry'] ?? {}, METRICS, issues).map(([metric, item]) =>
    readMetric(metric, item, issues),
  );
  const events = readMembers(value['events'] ?? {}, EVENTS, issues).map(([name, item]) =>
    readEvent(name, item, issues),
  );
  const envelope = value['envelope'] ?? false;
  if (typeof envelope !== 'boolean') issues.push({ pointer: '/envelope', message: 'must be true or false' });
  if (issues.length > 0) return fail(issues);
  return succeed({
    ...definedMembers({ title, model }),
    commands,
    telemetry,
    ...(events.length > 0 && { events }),
    ...(envelope === true && { envelope }),
  });
}

/** The members of an object of the description, which has one a command, metric or event. */
function readMembers(
  value: unknown,
  { pointer, what, most }: { readonly pointer: string; readonly what: string; readonly most: number },
  issues: Issue[],
): readonly (readonly [name: string, item: unknown])[] {
  if (!isJsonObject(value)) {
    issues.push({ pointer, message: `must be an object: one member a ${what}, by name` });
    return [];
  }
  const entries = Object.entries(value);
  if (entries.length <= most) return entries;
  issues.push({ pointer, message: `has ${entries.length} ${what}s; at most ${most} are kept` });
  return [];
}

function readCommand(name: string, value: unknown, number: number, issues: Issue[]): Command {
  const pointer = `/commands${pointerStep(name)}`;
  if (!isCommandName(name)) {
    issues.push({ pointer, message: 'is no command name: letters, digits, . _ - and at most 64 of them' });
  }
  const item = isJsonObject(value) ? value : {};
  if (!isJsonObject(value)) issues.push({ pointer, message: 'must be an object' });
  const kind = readChoice(item['kind'] ?? 'action', COMMAND_KINDS, `${pointer}/kind`, issues);
  const concurrency = readChoice(
    item['concurrency'] ?? 'parallel',
    ['serial', 'parallel'] as const,
    `${pointer}/concurrency`,
    issues,
  );
  const idempotent = item['idempotent'] ?? false;
  if (typeof idempotent !== 'boolean')
    issues.push({ pointer: `${pointer}/idempotent`, message: 'must be true or false' });
  const input = readSchema(item['input'], `${pointer}/input`, issues);
  const output = readSchema(item['output'], `${pointer}/output`, issues);
  const expectedMs = readExpectedMs(item['expectedMs'], `${pointer}/expectedMs`, issues);
  return {
    name,
    number,
    title: readText(item['title'], `${pointer}/title`, issues) ?? name,
    kind,
    ...definedMembers({ input, output }),
    idempotent: idempotent === true,
    concurrency,
    ...definedMembers({ expectedMs }),
  };
}

function readMetric(metric: string, value: unknown, issues: Issue[]): MetricDescription {
  const pointer = `/telemetry${pointerStep(metric)}`;
  if (metric === '' || metric.length > MAX_METRIC_NAME_CHARACTERS) {
    issues.push({ pointer, message: `needs a name of 1 to ${MAX_METRIC_NAME_CHARACTERS} characters` });
  }
  if (!isJsonObject(value)) {
    issues.push({ pointer, message: 'must be an object' });
    return { metric };
  }
  const read = (member: string): string | undefined =>
    readText(value[member], `${pointer}/${member}`, issues);
  const type =
    value['type'] === undefined || value['type'] === null
      ? undefined
      : readChoice(value['type'], METRIC_TYPES, `${pointer}/type`, issues);
  return { metric, ...definedMembers({ title: read('title'), unit: read('unit'), type }) };
}

function readEvent(name: string, value: unknown, issues: Issue[]): EventDescription {
  const pointer = `/events${pointerStep(name)}`;
  if (!isCommandName(name)) {
    issues.push({
      pointer,
      message: 'is no name of an event: letters, digits, . _ - and at most 64 of them',
    });
  }
  if (!isJsonObject(value)) {
    issues.push({ pointer, message: 'must be an object' });
    return { name };
  }
  const title = readText(value['title'], `${pointer}/title`, issues);
  return { name, ...definedMembers({ title, data: readSchema(value['data'], `${pointer}/data`, issues) }) };
}

function readText(value: unknown, pointer: string, issues: Issue[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value.length <= MAX_TITLE_CHARACTERS) return value;
  issues.push({ pointer, message: `must be a text of at most ${MAX_TITLE_CHARACTERS} characters` });
  return undefined;
}

function readChoice<T extends string>(
  value: unknown,
  choices: readonly T[],
  pointer: string,
  issues: Issue[],
): T {
  const choice = choices.find((item) => item === value);
  if (choice === undefined) issues.push({ pointer, message: `must be ${choices.join(' or ')}` });
  return choice ?? (choices[0] as T);
}

function readSchema(value: unknown, pointer: string, issues: Issue[]): JsonSchema | undefined {
  if (value === undefined || value === null) return undefined;
  const found = checkSchema(value, pointer);
  issues.push(...found);
  if (found.length > 0) return undefined;
  // As JSON Schemas: `true` is any value, and `false` none, as without a schema.
  if (value === true) return {};
  return isJsonObject(value) ? value : undefined;
}

function readExpectedMs(value: unknown, pointer: string, issues: Issue[]): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_EXPECTED_MS)
    return value;
  issues.push({ pointer, message: `must be a whole number of ms, 1 to ${MAX_EXPECTED_MS}` });
  return undefined;
}
