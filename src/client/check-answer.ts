import {
  AuditPageSchema,
  NewTokenSchema,
  TokenListSchema,
  UserListSchema,
  UserSchema,
  WhoAmISchema,
} from '../api/account-schemas.ts';
import { BrokerSessionSchema, ClientPageSchema, SessionPageSchema } from '../api/broker-schemas.ts';
import { BULK_LINES, type BulkLine } from '../api/bulk-schemas.ts';
import { EVENT_SCHEMAS, TicketSchema, type EventResource, type EventType } from '../api/event-schemas.ts';
import { HistoriesSchema, HistorySchema } from '../api/history-schemas.ts';
import { HubStateSchema } from '../api/hub-schemas.ts';
import { isJsonObject, parseJson, type JsonObject } from '../base/json.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import {
  AcceptedSchema,
  CommandListSchema,
  DeviceDetailSchema,
  DeviceFailureSchema,
  DevicePageSchema,
  HealthSchema,
  InvocationAnswerSchema,
  IssueSchema,
  ProblemSchema,
  TelemetrySchema,
  type AcceptedResource,
  type InvocationAnswerResource,
  type ProblemResource,
  type Static,
  type TSchema,
} from '../api/schemas.ts';
import { InvocationDetailSchema, InvocationPageSchema } from '../api/invocation-schemas.ts';
import { ServiceListSchema } from '../api/service-schemas.ts';
import { WebhookListSchema, WebhookSchema } from '../api/webhook-schemas.ts';
import { PublishedSchema, TopicPageSchema } from '../api/topic-schemas.ts';

/** Of one answer; a page of 100,000 readings has as many. */
const MAX_ANSWER_PARTS = 1_000_000;
const [OPEN_LIST, OPEN_OBJECT] = ['[', '{'].map((bracket) => bracket.charCodeAt(0));

/** What an answer should have been and is not. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** The words of JSON Schema that the API's schemas are written with. */
type PlainSchema = {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly object[];
  readonly items?: object;
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
};

const command = CommandListSchema.properties.commands.items.properties;
const presence = DeviceDetailSchema.properties.presence.properties;

/** Where only these words will do. Elsewhere a newer hub may know more of them. */
const CLOSED: ReadonlySet<object> = new Set([
  presence.status,
  HealthSchema.properties.name,
  ProblemSchema.properties.phase,
]);

/** JSON Schemas of the devices, which the API's schema says nothing about: an object, or null. */
const SCHEMAS: ReadonlySet<object> = new Set([command.input, command.output]);

export const readDevicePage = reader(DevicePageSchema, 'the list of devices');
export const readDeviceDetail = reader(DeviceDetailSchema, 'a device');
export const readCommandList = reader(CommandListSchema, 'the list of commands');
export const readInvocationAnswer = reader(InvocationAnswerSchema, 'the answer to the command');
export const readInvocationPage = reader(InvocationPageSchema, 'the list of invocations');
export const readInvocationDetail = reader(InvocationDetailSchema, 'an invocation');
const readAccepted = reader(AcceptedSchema, 'the answer to the command');
export const readTelemetry = reader(TelemetrySchema, 'the readings');
export const readTicket = reader(TicketSchema, 'the ticket');
export const readServiceList = reader(ServiceListSchema, 'the list of services');
export const readHistory = reader(HistorySchema, 'the history');
export const readWhoAmI = reader(WhoAmISchema, 'who asks');
export const readUser = reader(UserSchema, 'a user');
export const readUserList = reader(UserListSchema, 'the list of users');
export const readTokenList = reader(TokenListSchema, 'the list of tokens');
export const readNewToken = reader(NewTokenSchema, 'the token');
export const readAuditPage = reader(AuditPageSchema, 'the audit');
export const readHistories = reader(HistoriesSchema, 'the history');
export const readBrokerSession = reader(BrokerSessionSchema, 'a session of the broker');
export const readClientPage = reader(ClientPageSchema, 'the list of clients');
export const readSessionPage = reader(SessionPageSchema, 'the list of sessions');
export const readWebhook = reader(WebhookSchema, 'a webhook');
export const readWebhookList = reader(WebhookListSchema, 'the list of webhooks');
export const readTopicPage = reader(TopicPageSchema, 'the list of topics');
export const readPublished = reader(PublishedSchema, 'the answer to the message');
export const readHubState = reader(HubStateSchema, 'the state of the hub');
export const readHealth = reader(HealthSchema, 'the health of the hub');

/** The answer of the device, or that the command goes on. */
export function readStarted(answer: unknown): InvocationAnswerResource | AcceptedResource {
  const hasEnded = isJsonObject(answer) && answer['output'] !== undefined;
  return hasEnded ? readInvocationAnswer(answer) : readAccepted(answer);
}

/**
 * The JSON of an answer; undefined where it is none. A few bytes, sent compressed, may be lists and objects that take
 * many times the memory of their text.
 */
export function parseAnswer(text: string): Result<unknown, string> {
  return countParts(text) > MAX_ANSWER_PARTS
    ? fail(`has more than ${MAX_ANSWER_PARTS} lists and objects`)
    : succeed(parseJson(text));
}

/** Lists and objects that a text may have: also the brackets in its strings count. */
function countParts(text: string): number {
  let parts = 0;
  if (text.length > MAX_ANSWER_PARTS)
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === OPEN_LIST || code === OPEN_OBJECT) parts++;
    }
  return parts;
}

/** Reads the data of an event; undefined where the type is none that this version knows. */
export function readEventData(
  type: string,
  text: string,
): Result<EventResource<EventType>, string> | undefined {
  if (!Object.hasOwn(EVENT_SCHEMAS, type)) return undefined;
  const parsed = parseAnswer(text);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  const fault = findFault(EVENT_SCHEMAS[type as EventType], value, `an event of the type ${type}`);
  return fault === undefined ? succeed(value as EventResource<EventType>) : fail(fault);
}

/** Reads a line of a command to many devices; undefined where the type is none that this version knows. */
export function readBulkLine(text: string): Result<BulkLine, string> | undefined {
  const parsed = parseAnswer(text);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  const type = isJsonObject(value) ? value['type'] : undefined;
  if (typeof type !== 'string') return fail('has a line without a type');
  if (!Object.hasOwn(BULK_LINES, type)) return undefined;
  const fault = findFault(BULK_LINES[type as BulkLine['type']], value, `a line of the type ${type}`);
  return fault === undefined ? succeed(value as BulkLine) : fail(fault);
}

/** Reads a problem; undefined when `value` is none. Parts that are not as agreed are left out. */
export function readProblem(value: unknown, status: number): ProblemResource | undefined {
  if (!isJsonObject(value) || typeof value['code'] !== 'string') return undefined;
  const { code, errors, device } = value as JsonObject & { readonly code: string };
  return {
    type: '',
    title: '',
    detail: '',
    ...partsOf(ProblemSchema, value),
    code,
    status,
    ...(Array.isArray(errors) && {
      errors: errors.filter((each) => findFault(IssueSchema, each, '') === undefined),
    }),
    ...(isJsonObject(device) && { device: partsOf(DeviceFailureSchema, device) }),
  };
}

/** Gives an answer on that is as the schema says, or throws a `ShapeError`. */
function reader<S extends TSchema>(schema: S, name: string): (answer: unknown) => Static<S> {
  return (answer) => {
    const fault = findFault(schema, answer, name);
    if (fault !== undefined) throw new ShapeError(fault);
    return answer as Static<S>;
  };
}

/** The members that are there and as agreed. */
function partsOf<S extends TSchema>(schema: S, value: JsonObject): Partial<Static<S>> {
  const parts = Object.entries((schema as PlainSchema).properties!).flatMap(([name, member]) => {
    const part = value[name];
    return part === null || findFault(member, part, name) !== undefined ? [] : [[name, part] as const];
  });
  return Object.fromEntries(parts) as Partial<Static<S>>;
}

/** What is wrong with a value called `name`; undefined when it is as the schema says, but for words that are new. */
function findFault(schema: object, value: unknown, name: string): string | undefined {
  const { type, enum: words, anyOf, items, properties, required = [] } = schema as PlainSchema;
  if (anyOf !== undefined) {
    const faults = anyOf.map((each) => findFault(each, value, name));
    return faults.includes(undefined) ? undefined : faults[0];
  }
  if (properties !== undefined || SCHEMAS.has(schema)) {
    if (properties === undefined && value === null) return undefined;
    if (!isJsonObject(value)) return `has something else where ${name} should be`;
    return firstFault(Object.entries(properties ?? {}), ([member, each]) =>
      value[member] === undefined && !required.includes(member)
        ? undefined
        : findFault(each, value[member], member),
    );
  }
  if (items !== undefined) {
    if (!Array.isArray(value)) return `has no list "${name}"`;
    return firstFault(value, (each) => findFault(items, each, `an item of ${name}`));
  }
  if (words !== undefined && CLOSED.has(schema))
    return words.some((word) => word === value) ? undefined : `has no ${words.join(' or ')} as "${name}"`;
  return findTypeFault(words === undefined ? type : 'string', value, name);
}

function findTypeFault(type: PlainSchema['type'], value: unknown, name: string): string | undefined {
  if (type === undefined) return value === undefined ? `has no "${name}"` : undefined;
  const wanted = type === 'integer' ? 'number' : type;
  return (value === null ? 'null' : typeof value) === wanted ? undefined : `has no ${wanted} "${name}"`;
}

function firstFault<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const fault = find(item);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
