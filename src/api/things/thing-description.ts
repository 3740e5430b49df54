import { definedMembers } from '../../base/defined-members.ts';
import type { Command } from '../../devices/command.ts';
import type { DeviceDescription, EventDescription } from '../../devices/description.ts';
import type { Device } from '../../devices/device.ts';
import { showTime } from '../resources.ts';
import { dataSchemaOf, oneOfTypes } from './data-schema.ts';
import { describeSecurity, TD_CONTEXT, TICKET_VARIABLES, type ThingReader } from './thing-reader.ts';

/*
 * Thing Descriptions 1.1 of devices. A metric is a property, and so is a command that reads and takes nothing; other
 * commands are actions. What a form leads to answers with the bare value, as consumers expect it: `routes/things`.
 */

const JSON_TYPE = 'application/json';
/** What a reading can be. */
const METRIC_TYPES = ['number', 'string', 'boolean'];

type Affordances = { readonly [name: string]: object };
type MetricWords = DeviceDescription['telemetry'][number];

/** The id that a device has as a thing. */
export function thingId(deviceId: string): string {
  return `urn:recado:device:${encodeURIComponent(deviceId)}`;
}

/** Whether a name can be a part of an address: no program sends `.` and `..` as they are, and UTF-8 has no half characters. */
function hasAddress(name: string): boolean {
  return name !== '.' && name !== '..' && name.isWellFormed();
}

/** Describes a device to who may read it. */
export function describeThing(device: Device, reader: ThingReader): object {
  const { id, title = id, model, version, describedAt, description } = device;
  const below = `/things/${encodeURIComponent(id)}`;
  const metrics = metricsOf(device);
  const commands = reader.mayCommand(id) ? description.commands : [];
  const [reads, actions] = split(
    commands,
    ({ name, kind, input }) => kind === 'read' && input === undefined && !metrics.has(name),
  );
  const properties = [
    ...[...metrics.values()].map((words) => [words.metric, describeMetric(words, below, reader)] as const),
    ...reads.map((command) => [command.name, describeRead(command, below)] as const),
  ];
  return {
    '@context': TD_CONTEXT,
    id: thingId(id),
    title,
    ...definedMembers({ description: model }),
    version: { instance: String(version) },
    modified: showTime(describedAt),
    base: reader.base,
    ...describeSecurity(reader),
    ...members({
      properties,
      actions: actions.map((command) => [command.name, describeAction(command, below)] as const),
      events: (description.events ?? []).map(
        (event) => [event.name, describeEvent(event, below, reader)] as const,
      ),
    }),
  };
}

/** What a device says that it reports, and what it reports besides. */
function metricsOf({ description, telemetry }: Device): Map<string, MetricWords> {
  const metrics = new Map<string, MetricWords>();
  const reported = telemetry.latest().map(({ metric }): MetricWords => ({ metric }));
  for (const words of [...description.telemetry, ...reported]) {
    const { metric, unit = telemetry.get(metric)?.unit } = words;
    if (hasAddress(metric) && !metrics.has(metric))
      metrics.set(metric, { ...words, ...definedMembers({ unit }) });
  }
  return metrics;
}

function describeMetric(
  { metric, title, unit, type }: MetricWords,
  below: string,
  reader: ThingReader,
): object {
  const href = `${below}/properties/${encodeURIComponent(metric)}`;
  return {
    ...definedMembers({ title, unit }),
    ...oneOfTypes(type === undefined ? METRIC_TYPES : [type]),
    readOnly: true,
    observable: true,
    ...ticketVariables(reader),
    forms: [
      { href, op: 'readproperty', contentType: JSON_TYPE },
      streamForm(`${href}/observe`, ['observeproperty', 'unobserveproperty'], reader),
    ],
  };
}

function describeRead({ name, title, output }: Command, below: string): object {
  const form = { href: actionHref(below, name), op: 'readproperty', contentType: JSON_TYPE };
  return {
    title,
    ...dataSchemaOf(output),
    readOnly: true,
    observable: false,
    // To ask a device is no GET, which anybody's page could make a browser send.
    forms: [{ ...form, 'htv:methodName': 'POST' }],
  };
}

function describeAction(command: Command, below: string): object {
  const { name, title, kind, input, output, idempotent } = command;
  const safe = kind === 'read';
  return {
    title,
    ...(input !== undefined && { input: dataSchemaOf(input) }),
    output: dataSchemaOf(output),
    safe,
    idempotent: safe || idempotent,
    synchronous: true,
    forms: [{ href: actionHref(below, name), op: 'invokeaction', contentType: JSON_TYPE }],
  };
}

function describeEvent({ name, title, data }: EventDescription, below: string, reader: ThingReader): object {
  const href = `${below}/events/${encodeURIComponent(name)}`;
  return {
    ...definedMembers({ title }),
    data: dataSchemaOf(data),
    ...ticketVariables(reader),
    forms: [streamForm(href, ['subscribeevent', 'unsubscribeevent'], reader)],
  };
}

function actionHref(below: string, name: string): string {
  return `${below}/actions/${encodeURIComponent(name)}`;
}

function streamForm(href: string, op: readonly string[], { needsProof }: ThingReader): object {
  const address = needsProof ? `${href}{?ticket}` : href;
  return { href: address, op, subprotocol: 'sse', contentType: JSON_TYPE };
}

function ticketVariables({ needsProof }: ThingReader): object {
  return needsProof ? { uriVariables: TICKET_VARIABLES } : {};
}

/** A thing that has none of a kind does not have its member. */
function members(lists: Record<string, readonly (readonly [string, object])[]>): Record<string, Affordances> {
  return Object.fromEntries(
    Object.entries(lists)
      .filter(([, entries]) => entries.length > 0)
      .map(([kind, entries]) => [kind, Object.fromEntries(entries)]),
  );
}

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const { true: first = [], false: second = [] } = Object.groupBy(items, (item) => `${isFirst(item)}`);
  return [first, second];
}
