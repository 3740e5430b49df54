import type { BulkLine } from '../api/bulk-schemas.ts';
import type { TicketResource } from '../api/event-schemas.ts';
import type { HistoriesResource, HistoryResource, HistoryWish } from '../api/history-schemas.ts';
import type {
  AcceptedResource,
  CommandResource,
  DeviceDetailResource,
  DevicePageResource,
  DevicePatch,
  DeviceQuery,
  DeviceResource,
  DeviceSelector,
  HealthResource,
  InvocationAnswerResource,
  InvokeBody,
  TelemetryResource,
} from '../api/schemas.ts';
import type { HubStateResource } from '../api/hub-schemas.ts';
import type {
  InvocationDetailResource,
  InvocationPageResource,
  InvocationQuery,
} from '../api/invocation-schemas.ts';
import type { ServiceResource } from '../api/service-schemas.ts';
import {
  readCommandList,
  readDeviceDetail,
  readDevicePage,
  readHealth,
  readHistories,
  readHistory,
  readHubState,
  readInvocationAnswer,
  readInvocationDetail,
  readInvocationPage,
  readServiceList,
  readStarted,
  readTelemetry,
  readTicket,
} from './check-answer.ts';
import { commandDevices, type BulkOptions } from './command-devices.ts';
import { createBrokerCalls, type BrokerCalls } from './broker-calls.ts';
import { createAccountCalls, type AccountCalls } from './account-calls.ts';
import { eventWish, followEvents, type EventOptions, type HubEvent } from './follow-events.ts';
import { createTopicCalls, type TopicCalls } from './topic-calls.ts';
import { eachPage, listQuery, pathSegment } from './hub-paths.ts';
import { createWebhookCalls, type WebhookCalls } from './webhook-calls.ts';
import { askHub, type CallOptions, type CookieJar, type HubConnection, type Options } from './hub-request.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
/**
 * How long a command without its own `timeoutMs` may take, besides the time that the client allows for any answer: the
 * hub gives it what its description says, at most so much.
 */
const DEFAULT_INVOCATION_MS = 600_000;

export type ClientOptions = {
  /** Where the hub is: `http://127.0.0.1:5070`. A path is kept, for a hub behind a proxy. */
  readonly url: string;
  /** What the hub asks for as Bearer token, if it asks for one. */
  readonly token?: string | undefined;
  /**
   * Where the sign-in of a person is kept outside browsers, as `CookieJar` of the package tough-cookie does it. A page
   * needs none: its browser keeps cookies, and sends them where there is no token.
   */
  readonly cookies?: CookieJar | undefined;
  /** Another `fetch` than the global one: that of Node gives up when no answer begins within 300 s. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** How long the whole answer of the hub may take, in ms [10 000]; commands get their own time on top. */
  readonly timeoutMs?: number | undefined;
};

/** `q` is a text to look for in the id, title, model or a tag; `device` are ids, with commas between them. */
export type DeviceFilter = Options<DeviceSelector>;

/** `limit` devices on one page, 1 to 1,000 [100], from `cursor` on: the `nextCursor` of the page before. */
export type DeviceListOptions = CallOptions & Options<DeviceQuery>;

/**
 * `input` is what the command takes: any JSON value; leave it out for a command without input. `timeoutMs` is how long
 * the hub waits for the device, 1 to 600,000 ms [what the hub is configured to].
 */
export type InvokeOptions = CallOptions &
  Options<Pick<InvokeBody, 'input' | 'timeoutMs'>> & {
    /** A name of your own for this command, without spaces: with the same one nothing is done twice in 24 hours. */
    readonly idempotencyKey?: string | undefined;
  };

/** `queueForMs`: where the device is offline, how long the command may wait for it. */
export type StartOptions = InvokeOptions & Options<Pick<InvokeBody, 'queueForMs'>>;

/** Which invocations; `limit` on one page, 1 to 1,000 [100], from `cursor` on: the `nextCursor` of the page before. */
export type InvocationListOptions = CallOptions & Options<InvocationQuery>;

/**
 * `from` a day before [`to`] on, and before `to` [now]; `every` (`1m`, `15s`, `1h`) gives one value for each stretch of
 * time, by `fn` [`avg`]; `limit` values on one page, 1 to 100,000 [1,000].
 */
export type HistoryOptions = CallOptions &
  Options<Pick<HistoryWish, 'every' | 'fn' | 'limit'>> & {
    readonly from?: Date | undefined;
    readonly to?: Date | undefined;
  };

/** What the stream of a ticket tells, as for `events`; or the service whose WebSocket it opens. */
export type TicketOptions = CallOptions &
  (
    | Pick<EventOptions, 'devices' | 'gateway' | 'tag' | 'q' | 'kinds' | 'lastEventId'>
    | { readonly service: string }
  );

/** The devices of one hub. */
export type DeviceCalls = {
  /** One page of devices. */
  list(options?: DeviceListOptions): Promise<DevicePageResource>;
  /** Every device that matches, page by page as they are consumed; `limit` is the size of a page. */
  all(options?: DeviceListOptions): AsyncGenerator<DeviceResource, void, void>;
  /** One device. `DEVICE_UNKNOWN` when the hub does not know it. */
  get(deviceId: string, options?: CallOptions): Promise<DeviceDetailResource>;
  /** Gives it a title and tags; a title of null is the one that it gives itself. */
  change(deviceId: string, change: DevicePatch, options?: CallOptions): Promise<DeviceDetailResource>;
  /** Makes the hub forget an offline device. `DEVICE_ONLINE` when it is connected. */
  forget(deviceId: string, options?: CallOptions): Promise<void>;
  /** What the device can be asked to do, in the order of its description. */
  commands(deviceId: string, options?: CallOptions): Promise<readonly CommandResource[]>;
  /**
   * Invokes a command and waits for its output. Failures are `ProblemError`s whose `code` tells the cause, `phase` how
   * far it came, and `safeToRetry` whether it may be invoked again. Giving up by `signal` cancels it in the hub.
   */
  invoke(deviceId: string, command: string, options?: InvokeOptions): Promise<InvocationAnswerResource>;
  /**
   * Like `invoke`, of a command that goes on when you leave, and may wait for an offline device (`queueForMs`): then
   * there is no `output`, and `client.invocations.get(invocation.id)` tells what becomes of it.
   */
  start(
    deviceId: string,
    command: string,
    options?: StartOptions,
  ): Promise<InvocationAnswerResource | AcceptedResource>;
  /** The latest value of each metric. */
  telemetry(deviceId: string, options?: CallOptions): Promise<TelemetryResource>;
  /** What a metric was; one page, `nextFrom` is the `from` of the next one. */
  history(deviceId: string, metric: string, options?: HistoryOptions): Promise<HistoryResource>;
  /** The same of up to 32 metrics at once; `limit` is for each. */
  histories(
    deviceId: string,
    metrics: readonly string[],
    options?: HistoryOptions,
  ): Promise<HistoriesResource>;
};

/** The commands that run, wait, or have ended. */
export type InvocationCalls = {
  /** One page, the newest first. */
  list(options?: InvocationListOptions): Promise<InvocationPageResource>;
  /** How one stands, or what became of it. `INVOCATION_UNKNOWN` when it is not kept any more. */
  get(invocationId: string, options?: CallOptions): Promise<InvocationDetailResource>;
  /** Cancels what runs or waits. `INVOCATION_ENDED` when it has ended otherwise. */
  cancel(invocationId: string, options?: CallOptions): Promise<void>;
};

/** The services that agents bring to a hub. Requests to a service itself go to `{url}/services/{name}/…`. */
type ServiceCalls = {
  /** All that the hub has met, with their agents. */
  list(options?: CallOptions): Promise<readonly ServiceResource[]>;
};

/** A hub's HTTP API, typed. Each call throws `ProblemError`, `HubUnreachableError` or `HubAnswerError`. */
export type Client = AccountCalls & {
  /** The hub's address, without a `/` at the end. */
  readonly url: string;
  readonly devices: DeviceCalls;
  readonly invocations: InvocationCalls;
  readonly services: ServiceCalls;
  readonly broker: BrokerCalls;
  readonly webhooks: WebhookCalls;
  readonly topics: TopicCalls;
  /**
   * What happens at devices, as it happens: `for await (const event of client.events())`. It comes back by itself when
   * the connection breaks, and goes on where it was. Leaving the loop ends it.
   */
  events(options?: EventOptions): AsyncGenerator<HubEvent, void, void>;
  /**
   * Invokes a command of many devices: `for await (const line of client.commandDevices('turn-off', {select: {tag:
   * 'floor2'}}))`. A line of the type `result` is of one device, with its `output` or a `problem`. Leaving the loop cancels.
   */
  commandDevices(command: string, options: BulkOptions): AsyncGenerator<BulkLine, void, void>;
  /**
   * A ticket for one stream of events, within half a minute: for a page, whose `EventSource` can send no token, of
   * `{url}/api/v1/events?ticket=…`. It tells only what was asked for here. With `service`, for one WebSocket of it, at
   * `{url}/services/{service}/…?recado_ticket=…`.
   */
  ticket(options?: TicketOptions): Promise<TicketResource>;
  /** How it stands with the hub: listeners, stores, limits, load. What names the machine is for who may manage it. */
  state(options?: CallOptions): Promise<HubStateResource>;
  /** Whether a hub is there, and its version. Needs no token. */
  health(options?: CallOptions): Promise<HealthResource>;
};

/**
 * Makes a client of one hub. Nothing is sent before the first call; a client needs no closing.
 *
 * @throws {TypeError} when the address, the token or the time is not usable, saying why
 */
export function createClient(options: ClientOptions): Client {
  const timeoutMs = readTimeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const hub: HubConnection = {
    url: readUrl(options.url),
    token: readToken(options.token),
    cookies: options.cookies,
    fetch: options.fetch ?? globalThis.fetch,
  };
  const read: Read = (path, signal, check) =>
    askHub(hub, { method: 'GET', path, timeoutMs, signal, idempotent: true, read: check });
  return {
    url: hub.url,
    devices: createDeviceCalls(hub, timeoutMs, read),
    invocations: createInvocationCalls(hub, timeoutMs, read),
    ...createAccountCalls(hub, timeoutMs),
    broker: createBrokerCalls(hub, timeoutMs),
    webhooks: createWebhookCalls(hub, timeoutMs),
    topics: createTopicCalls(hub, timeoutMs),
    services: {
      list: async ({ signal } = {}) => (await read('/api/v1/services', signal, readServiceList)).services,
    },
    events: (options = {}) => followEvents(hub, timeoutMs, options),
    commandDevices: (command, options) => commandDevices(hub, timeoutMs, { ...options, command }),
    ticket: ({ signal, ...wish } = {}) =>
      askHub(hub, {
        method: 'POST',
        path: '/api/v1/tickets',
        body: 'service' in wish ? wish : { ...eventWish(wish), lastEventId: wish.lastEventId },
        timeoutMs,
        signal,
        // One that nobody has got ends by itself.
        idempotent: true,
        read: readTicket,
      }),
    state: ({ signal } = {}) => read('/api/v1/hub', signal, readHubState),
    health: ({ signal } = {}) => read('/api/v1/health', signal, readHealth),
  };
}

type Read = <T>(path: string, signal: AbortSignal | undefined, check: (answer: unknown) => T) => Promise<T>;

function historyQuery(
  { signal: _signal, from, to, ...options }: HistoryOptions,
  metrics?: readonly string[],
): string {
  // Commas stand between names.
  const list = metrics?.map((metric) => encodeURIComponent(metric.toWellFormed())).join(',');
  return listQuery({ metrics: list, ...options, from: from?.toISOString(), to: to?.toISOString() });
}

function createHistoryCalls(read: Read): Pick<DeviceCalls, 'history' | 'histories'> {
  return {
    history: async (deviceId, metric, options = {}) => {
      const path = `${devicePath(deviceId)}/telemetry/${pathSegment(metric, 'metric')}`;
      return read(path + historyQuery(options), options.signal, readHistory);
    },
    histories: async (deviceId, metrics, options = {}) => {
      if (metrics.length === 0) throw new TypeError('metrics: name one at least');
      const path = `${devicePath(deviceId)}/telemetry`;
      return read(path + historyQuery(options, metrics), options.signal, readHistories);
    },
  };
}

function createDeviceCalls(hub: HubConnection, timeoutMs: number, read: Read): DeviceCalls {
  const list = (options: DeviceListOptions = {}): Promise<DevicePageResource> =>
    read(`/api/v1/devices${listQuery(options)}`, options.signal, readDevicePage);

  const ask = <T>(
    deviceId: string,
    command: string,
    { idempotencyKey, body, signal, read: readAnswer }: Asking<T>,
  ): Promise<T> =>
    askHub(hub, {
      method: 'POST',
      path: `${devicePath(deviceId)}/commands/${pathSegment(command, 'command')}`,
      body,
      ...(idempotencyKey !== undefined && { headers: { 'idempotency-key': idempotencyKey } }),
      timeoutMs: timeoutMs + (body.timeoutMs ?? DEFAULT_INVOCATION_MS),
      signal,
      idempotent: idempotencyKey !== undefined,
      read: readAnswer,
    });

  return {
    list,
    all: (options = {}) => eachDevice(hub.url, list, options),
    get: async (deviceId, { signal } = {}) => read(devicePath(deviceId), signal, readDeviceDetail),
    commands: async (deviceId, { signal } = {}) =>
      (await read(`${devicePath(deviceId)}/commands`, signal, readCommandList)).commands,
    telemetry: async (deviceId, { signal } = {}) =>
      read(`${devicePath(deviceId)}/telemetry`, signal, readTelemetry),
    change: async (deviceId, change, { signal } = {}) =>
      askHub(hub, {
        method: 'PATCH',
        path: devicePath(deviceId),
        body: change,
        timeoutMs,
        signal,
        idempotent: true,
        read: readDeviceDetail,
      }),
    ...createHistoryCalls(read),
    forget: async (deviceId, { signal } = {}) =>
      askHub(hub, {
        method: 'DELETE',
        path: devicePath(deviceId),
        timeoutMs,
        signal,
        idempotent: true,
        read: () => undefined,
      }),
    invoke: async (deviceId, command, { input, timeoutMs: waitMs, ...options } = {}) =>
      ask(deviceId, command, { ...options, body: { input, timeoutMs: waitMs }, read: readInvocationAnswer }),
    start: async (deviceId, command, { input, timeoutMs: waitMs, queueForMs, ...options } = {}) =>
      ask(deviceId, command, {
        ...options,
        body: { input, timeoutMs: waitMs, queueForMs },
        read: readStarted,
      }),
  };
}

/** What one command is asked with, and how its answer is read. */
type Asking<T> = Pick<InvokeOptions, 'idempotencyKey' | 'signal'> & {
  readonly body: Options<InvokeBody>;
  readonly read: (answer: unknown) => T;
};

function createInvocationCalls(hub: HubConnection, timeoutMs: number, read: Read): InvocationCalls {
  const pathOf = (id: string): string => `/api/v1/invocations/${pathSegment(id, 'invocation')}`;
  return {
    list: async (options = {}) =>
      read(`/api/v1/invocations${listQuery(options)}`, options.signal, readInvocationPage),
    get: async (id, { signal } = {}) => read(pathOf(id), signal, readInvocationDetail),
    cancel: async (id, { signal } = {}) =>
      askHub(hub, {
        method: 'DELETE',
        path: pathOf(id),
        timeoutMs,
        signal,
        idempotent: true,
        read: () => undefined,
      }),
  };
}

async function* eachDevice(
  url: string,
  list: DeviceCalls['list'],
  options: DeviceListOptions,
): AsyncGenerator<DeviceResource, void, void> {
  const pages = eachPage(url, (cursor) => list({ ...options, cursor }), options.cursor);
  for await (const { devices } of pages) yield* devices;
}

function devicePath(deviceId: string): string {
  return `/api/v1/devices/${pathSegment(deviceId, 'device id')}`;
}

function readUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TypeError(`url: "${text}" is no address of a hub; write it like http://127.0.0.1:5070`);
  }
  if (url.username !== '' || url.password !== '')
    throw new TypeError('url: holds a user name or password; use token instead');
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function readToken(token: string | undefined): string | undefined {
  if (token === undefined || token === '') return undefined;
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new TypeError('token: has characters that cannot be sent; copy it again without spaces');
  return token;
}

function readTimeout(timeoutMs: number): number {
  if (Number.isFinite(timeoutMs) && timeoutMs >= 1) return timeoutMs;
  throw new TypeError(`timeoutMs: is ${timeoutMs}; give a number of ms, at least 1`);
}
