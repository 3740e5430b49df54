import { isJsonObject, parseJson } from '../../base/json.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import type { ValueMistake } from '../../config/config-keys.ts';
import type { JsonSchema } from '../../devices/command.ts';
import { isCommandName, isDeviceId, MAX_COMMANDS_PER_DEVICE } from '../../devices/description.ts';
import { checkSchema } from '../../devices/json-schema.ts';
import { METRIC_TYPES, type MetricType } from '../../devices/reading.ts';
import { isStateTopic } from '../home-assistant/discovery/component-settings.ts';
import { readTemplate } from '../home-assistant/template/template.ts';

export type Scalar = string | number | boolean;

/** Where a value is said: as the whole payload, in a member of it, or what a template makes of it. */
type NamedSource = { readonly topic: string; readonly path?: string; readonly template?: string };

export type NamedMetric = NamedSource & {
  readonly title?: string;
  readonly unit?: string;
  readonly type?: MetricType;
  /** What is said for true and false. */
  readonly on?: Scalar;
  readonly off?: Scalar;
};

export type NamedCommand = {
  readonly topic: string;
  readonly title?: string;
  /** As it is, or a template of `value`; absent: the input itself. */
  readonly payload?: Scalar;
  readonly input?: JsonSchema;
  readonly retain?: boolean;
};

type NamedAvailability = NamedSource & { readonly online?: Scalar; readonly offline?: Scalar };

/** A device that only has topics: what it is stands in the configuration. */
export type NamedDevice = {
  readonly id: string;
  readonly title?: string;
  readonly model?: string;
  readonly availability?: NamedAvailability;
  readonly telemetry?: Readonly<Record<string, NamedMetric>>;
  readonly commands?: Readonly<Record<string, NamedCommand>>;
};

type Steps = readonly string[];
type Check = (value: unknown, steps: Steps) => readonly ValueMistake[];

const MAX_DEVICES = 10_000;
const MAX_TEXT_CHARACTERS = 256;

const isText = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_CHARACTERS;
const text = must(isText, `be a text of 1 to ${MAX_TEXT_CHARACTERS} characters`);
const scalar = must(
  (value) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean',
  'be a text, a number, true or false',
);
const heardTopic = must(
  (value) => typeof value === 'string' && isStateTopic(value),
  'be a topic, in which + may stand for a level',
);
const toldTopic = must(
  (value) => typeof value === 'string' && isStateTopic(value) && !value.includes('+'),
  'be a topic without + and #',
);
const SOURCE = { topic: heardTopic, path: text, template };
const METRIC = members(
  {
    ...SOURCE,
    title: text,
    unit: text,
    type: must((value) => METRIC_TYPES.includes(value as MetricType), `be one of ${METRIC_TYPES.join(', ')}`),
    on: scalar,
    off: scalar,
  },
  ['topic'],
);
const COMMAND = members(
  {
    topic: toldTopic,
    title: text,
    payload: (value, steps) => (typeof value === 'string' ? template(value, steps) : scalar(value, steps)),
    input: (value, steps) =>
      checkSchema(value, '').map(({ pointer, message }) => ({
        steps: [...steps, ...pointer.split('/').slice(1)],
        message,
      })),
    retain: must((value) => typeof value === 'boolean', 'be true or false'),
  },
  ['topic'],
);
const AVAILABILITY = members({ ...SOURCE, online: scalar, offline: scalar }, ['topic']);
const DEVICE = members(
  {
    id: must(
      (value) => typeof value === 'string' && isDeviceId(value),
      'be an id: 1 to 64 of A-Z a-z 0-9 . _ : -',
    ),
    title: text,
    model: text,
    availability: AVAILABILITY,
    telemetry: named(METRIC),
    commands: named(COMMAND),
  },
  ['id'],
);

/** Reads `gateways.mqtt.devices`: a list, in a variable as JSON. */
export function readNamedDevices(written: unknown): Result<readonly NamedDevice[], readonly ValueMistake[]> {
  const list = typeof written === 'string' ? parseJson(written) : written;
  if (!Array.isArray(list) || list.length > MAX_DEVICES)
    return fail([{ steps: [], message: `must be a list of at most ${MAX_DEVICES} devices` }]);
  const mistakes = list.flatMap((device, index) => DEVICE(device, [String(index)]));
  if (mistakes.length > 0) return fail(mistakes);
  const devices = list as readonly NamedDevice[];
  const ids = devices.map(({ id }) => id);
  const again = ids.findIndex((id, index) => ids.indexOf(id) < index);
  if (again >= 0) return fail([{ steps: [String(again), 'id'], message: 'is the id of a device before it' }]);
  return succeed(devices);
}

function must(isFit: (value: unknown) => boolean, what: string): Check {
  return (value, steps) => (isFit(value) ? [] : [{ steps, message: `must ${what}` }]);
}

function members(checks: Readonly<Record<string, Check>>, required: readonly string[]): Check {
  const allowed = Object.keys(checks).join(', ');
  return (value, steps) => {
    if (!isJsonObject(value)) return [{ steps, message: `must be a section with keys: ${allowed}` }];
    const missing = required
      .filter((name) => !Object.hasOwn(value, name))
      .map((name) => ({ steps, message: `must have a key ${name}` }));
    const found = Object.entries(value).flatMap(([name, member]) => {
      const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
      const inside = [...steps, name];
      return check?.(member, inside) ?? [{ steps: inside, message: `is not a key (allowed: ${allowed})` }];
    });
    return [...missing, ...found];
  };
}

/** Of metrics and commands, by their names. */
function named(check: Check): Check {
  return (value, steps) => {
    if (!isJsonObject(value) || Object.keys(value).length > MAX_COMMANDS_PER_DEVICE)
      return [{ steps, message: `must be a section with at most ${MAX_COMMANDS_PER_DEVICE} names` }];
    return Object.entries(value).flatMap(([name, member]) =>
      isCommandName(name)
        ? check(member, [...steps, name])
        : [{ steps: [...steps, name], message: 'must be a name: 1 to 64 of A-Z a-z 0-9 . _ -' }],
    );
  };
}

function template(value: unknown, steps: Steps): readonly ValueMistake[] {
  if (typeof value !== 'string') return [{ steps, message: 'must be a text' }];
  const read = readTemplate(value);
  if (read.ok) return [];
  return [{ steps, message: `has what is not understood at ${read.failure.at}: ${read.failure.message}` }];
}
