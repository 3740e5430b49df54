import { definedMembers } from '../base/defined-members.ts';
import { RecadoError } from '../base/errors.ts';
import { pointerStep } from '../base/json.ts';
import type { CommandKind, JsonSchema } from '../devices/command.ts';
import { isDeviceId, readDescription } from '../devices/description.ts';
import type { MetricType, MetricValue } from '../devices/reading.ts';
import type { InputOf, ValueOf } from './schema-type.ts';

/** One call of a command. */
export type CommandCall<Input> = {
  /** What the caller gave. The hub has checked it against the command's schema. */
  readonly input: Input;
  /** Aborted when the caller left, its time is over, or the connection to the hub ended. */
  readonly signal: AbortSignal;
  /** Ms for which somebody waits for the answer. */
  readonly deadlineMs: number;
  /** The trace that the caller is part of (W3C Trace Context), where it said one. */
  readonly traceparent?: string;
};

/** One thing that a device can be asked to do. */
export type CommandDefinition<Schema = unknown> = {
  /** For people; the command's name when absent. */
  readonly title?: string;
  /** `read` changes nothing, `write` sets something, `action` (the default) does something. */
  readonly kind?: CommandKind;
  /** JSON Schema of the input; without it the command takes none. */
  readonly input?: Schema & JsonSchema;
  readonly output?: JsonSchema;
  /** Doing it twice does no more than doing it once. */
  readonly idempotent?: boolean;
  /** `serial`: the hub sends one at a time. */
  readonly concurrency?: 'serial' | 'parallel';
  /** How long it usually takes. */
  readonly expectedMs?: number;
  /** Version 1 only: the hub answers this command from the next datagram instead of asking the device. */
  readonly answeredByDatagram?: boolean;
  /** Does it, and returns (or resolves to) the output: a JSON value, or undefined. */
  readonly run: (call: CommandCall<InputOf<Schema>>) => unknown;
};

/** `type`: the hub leaves out what is not of it. */
export type MetricDefinition = {
  readonly title?: string;
  readonly unit?: string;
  readonly type?: MetricType;
};

/** Something that can happen. `data`: JSON Schema of what is told with it; the hub leaves out what does not fit. */
export type EventDefinition<Schema = unknown> = {
  readonly title?: string;
  readonly data?: Schema & JsonSchema;
};

/** What a device is: its names, what it can do, what it reports, and what can happen at it. */
export type DeviceDefinition<Schemas, Metrics, Events = EventDefinitions> = {
  /** Letters, digits and `. _ - :`, at most 64. Needed for version 2; in version 1 the hub gives the id. */
  readonly id?: string;
  readonly title?: string;
  readonly model?: string;
  readonly commands?: { readonly [Name in keyof Schemas]: CommandDefinition<Schemas[Name]> };
  readonly telemetry?: Metrics;
  /** Version 2 only. */
  readonly events?: { readonly [Name in keyof Events]: EventDefinition<Events[Name]> };
  /** What the device says of itself when asked for its general description. */
  readonly describe?: () => Readonly<Record<string, unknown>>;
};

/** Readings by metric: only the declared ones, where any are declared. */
export type ReadingsOf<Metrics> = {
  readonly [Metric in keyof Metrics]?: (ValueOf<Metrics[Metric]> & MetricValue) | undefined;
};

/** What an event is told with: nothing, or anything, where it has no schema. */
export type EventArguments<Schema> = unknown extends Schema
  ? [data?: unknown, options?: { at?: Date }]
  : [data: ValueOf<Schema>, options?: { at?: Date }];

/** Schemas of their data, by name. */
export type EventDefinitions = { readonly [event: string]: unknown };
export type MetricDefinitions = { readonly [metric: string]: MetricDefinition };
export type InputSchemas = { readonly [command: string]: unknown };

/** A command, once its definition has been checked. */
export type PreparedCommand = {
  readonly name: string;
  readonly title: string;
  readonly kind: CommandKind;
  readonly input: JsonSchema | undefined;
  readonly answeredByDatagram: boolean;
  readonly run: (call: CommandCall<never>) => unknown;
};

export type PreparedDevice = {
  readonly id: string | undefined;
  /** In the order of the definition; numbers on the wire of version 1 begin at 1. */
  readonly commands: readonly PreparedCommand[];
  readonly metrics: ReadonlyMap<string, MetricDefinition>;
  readonly events: ReadonlySet<string>;
  /** The command that asks for the general description: the last number of version 1. */
  readonly describe: PreparedCommand;
  /** What the hello of version 2 carries. */
  readonly description: Readonly<Record<string, unknown>>;
};

/**
 * Checks a definition by the hub's own rules, so that mistakes are found where they were made.
 *
 * @throws {RecadoError} `DESCRIPTION_INVALID`, with a pointer for each mistake
 */
export function prepareDevice(
  definition: DeviceDefinition<InputSchemas, MetricDefinitions>,
  protocol: 1 | 2,
): PreparedDevice {
  const commands: PreparedCommand[] = Object.entries(definition.commands ?? {}).map(([name, command]) => ({
    name,
    title: command.title ?? name,
    kind: command.kind ?? 'action',
    input: command.input,
    answeredByDatagram: command.answeredByDatagram === true,
    run: command.run as PreparedCommand['run'],
  }));
  const description = describeForHub(definition, protocol);
  const result = readDescription(description);
  const issues = result.ok ? [] : [...result.failure];
  if (protocol === 2 && (definition.id === undefined || !isDeviceId(definition.id))) {
    issues.push({ pointer: '/id', message: 'must have 1 to 64 letters, digits or . _ - :' });
  }
  for (const { name, run } of commands) {
    if (typeof run !== 'function')
      issues.push({ pointer: `/commands${pointerStep(name)}/run`, message: 'must be a function' });
  }
  if (issues.length > 0) {
    const list = issues.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
    throw new RecadoError('DESCRIPTION_INVALID', `The definition of the device is not valid: ${list}.`, {
      issues,
    });
  }
  const title = definition.title ?? definition.id ?? 'Device';
  const describe = { ...DESCRIBE, run: definition.describe ?? (() => ({ Descrição: title })) };
  const hasOwn = commands.some(({ name }) => name === DESCRIBE.name);
  if (protocol === 2 && definition.describe !== undefined && !hasOwn) commands.push(describe);
  const metrics = new Map(Object.entries(definition.telemetry ?? {}));
  const events = new Set(Object.keys(definition.events ?? {}));
  return { id: definition.id, commands, metrics, events, describe, description };
}

/** The command that asks for the general description, where a device has one. */
const DESCRIBE = {
  name: 'describe',
  title: 'General description',
  kind: 'read',
  input: undefined,
  answeredByDatagram: false,
} as const;

function describeForHub(
  definition: DeviceDefinition<InputSchemas, MetricDefinitions>,
  protocol: 1 | 2,
): Record<string, unknown> {
  const commands: Record<string, unknown> = {};
  for (const [name, { run: _run, answeredByDatagram: _, ...rest }] of Object.entries(
    definition.commands ?? {},
  )) {
    commands[name] = rest;
  }
  if (protocol === 2 && definition.describe !== undefined) {
    commands[DESCRIBE.name] ??= { title: DESCRIBE.title, kind: DESCRIBE.kind, idempotent: true };
  }
  const { title, model, telemetry = {}, events } = definition;
  return {
    ...definedMembers({ title, model }),
    commands,
    telemetry,
    ...definedMembers({ events: protocol === 2 ? events : undefined }),
  };
}
