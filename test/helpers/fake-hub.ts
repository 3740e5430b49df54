import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type {
  Command,
  DeviceDetails,
  InvocationDetails,
  Presence,
  Problem,
  Reading,
} from '../../src/client/index.ts';
import { findFreeTcpPort } from './free-ports.ts';

type Failure = Partial<Problem> & {
  readonly code: string;
  readonly status: number;
  readonly retryAfter?: string;
};

/** How a command of a fake device ends. `silent`: the hub never answers. */
export type FakeOutcome = { readonly output: unknown } | { readonly failure: Failure } | 'silent';

export type FakeCommand = Partial<Command> & {
  readonly name: string;
  readonly run?: (input: unknown) => FakeOutcome | Promise<FakeOutcome>;
};

type Unavailable = { readonly reason: string; readonly time: string };
type Tell = (type: string, data: Readonly<Record<string, unknown>> & { readonly deviceId: string }) => void;

/** What it reports is told as it is set. */
class FakeDevice {
  readonly details: DeviceDetails;
  readonly commands: readonly FakeCommand[];
  readonly #tell: Tell;
  #readings: readonly Reading[];
  #unavailable: Unavailable | null;

  constructor(
    { details, commands }: { details: DeviceDetails; commands: readonly FakeCommand[] },
    first: { readings: readonly Reading[]; unavailable: Unavailable | null },
    tell: Tell,
  ) {
    this.details = details;
    this.commands = commands;
    this.#readings = first.readings;
    this.#unavailable = first.unavailable;
    this.#tell = tell;
  }

  get readings(): readonly Reading[] {
    return this.#readings;
  }

  set readings(readings: readonly Reading[]) {
    this.#readings = readings;
    const { deviceId } = this.details;
    for (const reading of readings) this.#tell('reading', { deviceId, ...reading });
  }

  get unavailable(): Unavailable | null {
    return this.#unavailable;
  }

  set unavailable(unavailable: Unavailable | null) {
    this.#unavailable = unavailable;
    const { deviceId } = this.details;
    if (unavailable !== null) this.#tell('unavailable', { deviceId, ...unavailable });
  }
}

/** Who leaves it is told of. */
class FakeDevices extends Map<string, FakeDevice> {
  tell: Tell = () => {};

  override delete(deviceId: string): boolean {
    this.tell('forgotten', { deviceId });
    return super.delete(deviceId);
  }
}

/** What a test says of a device; the rest is filled in. */
export type FakeDeviceOptions = {
  readonly title?: string | null;
  readonly model?: string | null;
  readonly tags?: readonly string[];
  readonly status?: 'online' | 'offline';
  readonly reason?: Presence['reason'];
  readonly sinceMs?: number;
  readonly commands?: readonly FakeCommand[];
  readonly readings?: readonly Partial<Reading>[];
  readonly unavailable?: string;
};

type Invoked = { readonly deviceId: string; readonly command: string; readonly input: unknown };

type EventStream = {
  readonly response: ServerResponse;
  readonly devices: readonly string[] | undefined;
  readonly kinds: readonly string[] | undefined;
};

/** A hub that serves the HTTP API from memory: devices come, go and answer as a test says. */
export class FakeHub {
  readonly devices = new FakeDevices();
  /** The newest first, as they are listed. */
  readonly invocations: InvocationDetails[] = [];
  /** Requests answered so far: `GET /api/v1/devices?limit=17`. */
  readonly requests: string[] = [];
  readonly invoked: Invoked[] = [];
  /** Where it has no events, as older hubs. */
  hasEvents = true;
  readonly #streams = new Set<EventStream>();
  #run = 0;
  #told = 0;
  #token: string | undefined;
  #server: Server | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.devices.tell = this.#tell;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** When set, callers need it: who came without is sent away. */
  get token(): string | undefined {
    return this.#token;
  }

  set token(token: string | undefined) {
    this.#token = token;
    for (const { response } of this.#streams) response.end();
    this.#streams.clear();
  }

  /** Listens; after `stop`, at the same port again. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    if (this.#port === 0) this.#port = await findFreeTcpPort();
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#run++;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }

  add(deviceId: string, options: FakeDeviceOptions = {}): FakeDevice {
    const since = new Date(Date.now() - (options.sinceMs ?? 0)).toISOString();
    const { status = 'online', commands = [], readings = [] } = options;
    const sequence = (this.devices.get(deviceId)?.details.presence.sequence ?? 0) + 1;
    const details: DeviceDetails = {
      deviceId,
      title: options.title ?? null,
      ...(options.tags !== undefined && { tags: [...options.tags] }),
      model: options.model ?? null,
      gateway: 'socket',
      presence: {
        status,
        sequence,
        reason: options.reason ?? (status === 'online' ? 'connected' : 'disconnected'),
        since,
        lastSeen: since,
      },
      commandCount: commands.length,
      telemetry: readings.map(({ metric = '', unit }) => ({
        metric,
        ...(typeof unit === 'string' && { unit }),
      })),
    };
    const told = {
      readings: readings.map((reading) => ({
        metric: 'm',
        value: 0,
        unit: null,
        time: new Date().toISOString(),
        ...reading,
      })),
      unavailable: options.unavailable === undefined ? null : { reason: options.unavailable, time: since },
    };
    const device = new FakeDevice({ details, commands }, told, this.#tell);
    this.devices.set(deviceId, device);
    this.#tell('presence', { deviceId, presence: details.presence });
    return device;
  }

  /** A command that was sent to a device, in front of those that were before. */
  keep(invocation: InvocationDetails): void {
    const index = this.invocations.findIndex(({ id }) => id === invocation.id);
    if (index >= 0) this.invocations[index] = invocation;
    else this.invocations.unshift(invocation);
    this.#tell('invocation', { deviceId: invocation.deviceId, invocation, code: null });
  }

  readonly #tell: Tell = (type, data) => {
    const time = new Date().toISOString();
    const text = `id: ${this.#run}-${++this.#told}\nevent: ${type}\ndata: ${JSON.stringify({ time, ...data })}\n\n`;
    for (const { response, devices, kinds } of this.#streams)
      if (devices?.includes(data.deviceId) !== false && kinds?.includes(type) !== false) response.write(text);
  };

  #follow(query: URLSearchParams, lastEventId: unknown, response: ServerResponse): void {
    const stream = {
      response,
      devices: query.get('device')?.split(','),
      kinds: query.get('kind')?.split(','),
    };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const isOther = typeof lastEventId === 'string' && !lastEventId.startsWith(`${this.#run}-`);
    const reset = isOther ? 'event: reset\ndata: {"reason":"hub-restarted"}\n' : '';
    response.write(`id: ${this.#run}-${this.#told}\n${reset}\n`);
    this.#streams.add(stream);
    response.once('close', () => this.#streams.delete(stream));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const parts = url.pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    this.requests.push(`${request.method} ${request.url}`);
    if (url.pathname === '/api/v1/health')
      return answer(response, 200, { status: 'ok', name: 'recado', version: '0.1.0' });
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      return fail(response, {
        code: 'UNAUTHENTICATED',
        status: 401,
        detail: 'Credentials are missing or wrong',
      });
    }
    const [, , collection, deviceId, what, name] = parts;
    if (collection === 'events' && this.hasEvents)
      return this.#follow(url.searchParams, request.headers['last-event-id'], response);
    if (collection === 'invocations' && this.hasEvents)
      return this.#serveInvocation(request.method, deviceId, url.searchParams, response);
    if (collection !== 'devices')
      return fail(response, { code: 'ROUTE_UNKNOWN', status: 404, detail: 'There is nothing.' });
    if (deviceId === undefined) return this.#list(url.searchParams, response);
    const device = this.devices.get(deviceId);
    if (device === undefined) {
      return fail(response, {
        code: 'DEVICE_UNKNOWN',
        status: 404,
        detail: `no device has the id ${deviceId}`,
      });
    }
    if (request.method === 'POST') return this.#invoke(device, name ?? '', await readBody(request), response);
    if (request.method === 'DELETE') return this.#forget(device, response);
    if (what === 'commands') return answer(response, 200, { commands: device.commands.map(showCommand) });
    if (what === 'telemetry') {
      const { readings, unavailable } = device;
      return answer(response, 200, { deviceId, readings, unavailable });
    }
    return answer(response, 200, device.details);
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const status = query.get('status');
    const text = (query.get('q') ?? '').toLowerCase();
    const limit = Number(query.get('limit') ?? 100);
    const start = Number(query.get('cursor') ?? 0);
    const all = [...this.devices.values()]
      .map((device) => device.details)
      .filter((device) => status === null || device.presence.status === status)
      .filter((device) =>
        `${device.deviceId} ${device.title ?? ''} ${device.model ?? ''}`.toLowerCase().includes(text),
      )
      .toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
    const devices = all.slice(start, start + limit);
    const nextCursor = start + limit < all.length ? String(start + limit) : undefined;
    answer(response, 200, { devices, nextCursor, total: all.length });
  }

  #serveInvocation(
    method: string | undefined,
    id: string | undefined,
    query: URLSearchParams,
    response: ServerResponse,
  ): void {
    if (id === undefined) {
      const isListed = ({ deviceId, state }: InvocationDetails): boolean =>
        deviceId === query.get('deviceId') && (query.get('state') ?? state) === state;
      return answer(response, 200, { invocations: this.invocations.filter(isListed) });
    }
    const found = this.invocations.find((each) => each.id === id);
    if (found === undefined)
      return fail(response, { code: 'INVOCATION_UNKNOWN', status: 404, detail: 'It is forgotten.' });
    if (method !== 'DELETE') return answer(response, 200, found);
    this.keep({ ...found, state: 'cancelled' });
    response.writeHead(204).end();
  }

  #forget({ details }: FakeDevice, response: ServerResponse): void {
    if (details.presence.status === 'online') {
      return fail(response, { code: 'DEVICE_ONLINE', status: 409, detail: `${details.deviceId} is online` });
    }
    this.devices.delete(details.deviceId);
    response.writeHead(204).end();
  }

  async #invoke(device: FakeDevice, name: string, body: unknown, response: ServerResponse): Promise<void> {
    const { deviceId, presence } = device.details;
    const input = (body as { input?: unknown }).input;
    this.invoked.push({ deviceId, command: name, input });
    const command = device.commands.find((item) => item.name === name);
    if (command === undefined)
      return fail(response, { code: 'COMMAND_UNKNOWN', status: 404, detail: `${deviceId} has no ${name}` });
    if (presence.status === 'offline') {
      const detail = `${deviceId} is offline`;
      return fail(response, {
        code: 'DEVICE_OFFLINE',
        status: 503,
        detail,
        phase: 'accepted',
        safeToRetry: true,
        retryAfter: '5',
      });
    }
    const accepted = new Date().toISOString();
    const outcome = (await command.run?.(input)) ?? { output: null };
    if (outcome === 'silent') return;
    const phases = { accepted, sent: accepted };
    const invocation = { id: `invocation-${this.invoked.length}`, deviceId, command: name };
    if ('failure' in outcome)
      return fail(response, { ...outcome.failure, invocation: { ...invocation, state: 'failed', phases } });
    const answered = new Date().toISOString();
    const complete = { ...invocation, state: 'completed', phases: { ...phases, answered } };
    answer(response, 200, { output: outcome.output, invocation: complete });
  }
}

function showCommand(command: FakeCommand, index: number): Command {
  return {
    name: command.name,
    number: command.number ?? index + 1,
    title: command.title ?? command.name,
    kind: command.kind ?? 'action',
    input: command.input ?? null,
    output: command.output ?? null,
    idempotent: command.idempotent ?? false,
    concurrency: 'parallel',
    expectedMs: null,
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part as string;
  return JSON.parse(text) as unknown;
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function fail(response: ServerResponse, { retryAfter, ...failure }: Failure): void {
  const slug = failure.code.toLowerCase().replaceAll('_', '-');
  const problem = {
    type: `urn:recado:problem:${slug}`,
    title: failure.code,
    detail: failure.code,
    ...failure,
  };
  const headers = {
    'content-type': 'application/problem+json',
    ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
  };
  response.writeHead(failure.status, headers).end(JSON.stringify(problem));
}
