import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker } from '../../src/mqtt/broker/broker.ts';
import { listenTcp } from '../../src/mqtt/transport/tcp.ts';
import {
  agentWill,
  HttpServiceAgent,
  type HttpServiceAgentOptions,
} from '../../src/services/agent/http-service-agent.ts';
import { AllowList } from '../../src/services/agent/allow-list.ts';
import { serveHttp } from '../../src/services/hub/http-entrance.ts';
import type { ServiceHubLimits } from '../../src/services/options.ts';
import type { ServiceFailure } from '../../src/services/wire/service-failure.ts';
import { UpgradeResponse } from '../../src/services/hub/upgrade-response.ts';
import type { Sandbox } from '../../src/services/hub/service-place.ts';
import { ServiceHub } from '../../src/services/hub/service-hub.ts';
import { Upstream } from '../../src/services/agent/upstream.ts';
import { until } from './until.ts';

export const SERVICE = 'billing';

export type RigAgent = {
  readonly agent: HttpServiceAgent;
  readonly bus: Bus;
  /** Cuts its connection, as the death of its process would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
};

export type RigOptions = {
  readonly limits?: Partial<ServiceHubLimits>;
  /** Of another broker, for the hub and its agents; else one in this process. */
  readonly brokerUrl?: string;
  readonly protocolVersion?: 4 | 5;
  /** Of the broker, the hub and its agents. */
  readonly clock?: Clock;
};

/** A hub's side of services behind a plain HTTP server, and agents over real sockets; all is closed with the test. */
export class ServicesRig {
  readonly hub: ServiceHub;
  readonly url: string;
  /** What the hub said in its own words, in order. */
  readonly failures: ServiceFailure[] = [];
  readonly front: Server;
  readonly brokerUrl: string;
  readonly hubBus: Bus;
  /** What the hub is told of its callers. */
  place: { readonly sandbox: Sandbox; readonly isProxy: boolean } = { sandbox: 'off', isProxy: false };
  readonly #protocolVersion: 4 | 5 | undefined;
  readonly #clock: Clock;
  readonly #closers: (() => Promise<unknown> | void)[];

  constructor(parts: {
    hub: ServiceHub;
    front: Server;
    brokerUrl: string;
    hubBus: Bus;
    protocolVersion: 4 | 5 | undefined;
    clock: Clock;
    closers: (() => Promise<unknown> | void)[];
  }) {
    this.hub = parts.hub;
    this.front = parts.front;
    this.brokerUrl = parts.brokerUrl;
    this.hubBus = parts.hubBus;
    this.#protocolVersion = parts.protocolVersion;
    this.#clock = parts.clock;
    this.#closers = parts.closers;
    this.url = `http://127.0.0.1:${(parts.front.address() as AddressInfo).port}`;
    parts.front.on('request', (request, response) => this.#serve(request, response));
    parts.front.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#serve(request, new UpgradeResponse(request, socket, head)),
    );
  }

  /** The address of the service. */
  get serviceUrl(): string {
    return `${this.url}/services/${SERVICE}`;
  }

  get service() {
    return this.hub.directory.get(SERVICE);
  }

  async startAgent(
    targetUrl: string,
    {
      id = 'one',
      rules = [],
      ...more
    }: Partial<HttpServiceAgentOptions> & { id?: string; rules?: readonly string[] } = {},
  ): Promise<RigAgent> {
    const bus = await connectBus(this.brokerUrl, {
      clientId: `${id}.${SERVICE}`,
      will: agentWill(SERVICE, id),
      reconnectMinMs: 60_000,
      reconnectMaxMs: 60_000,
      clock: this.#clock,
      ...(this.#protocolVersion !== undefined && { protocolVersion: this.#protocolVersion }),
    });
    const upstream = new Upstream(targetUrl);
    const agent = new HttpServiceAgent({
      service: SERVICE,
      agentId: id,
      bus,
      upstream,
      allow: new AllowList(rules),
      log: silentLogger,
      clock: this.#clock,
      drainMs: 100,
      ...more,
    });
    let isStopped = false;
    const stop = async (): Promise<void> => {
      if (isStopped) return;
      isStopped = true;
      await agent.stop();
      await bus.close();
      await upstream.close();
    };
    this.#closers.push(stop);
    await agent.start();
    await until('the hub knows the agent', () => this.service?.agents.has(id));
    return { agent, bus, stop, kill: () => this.#kill(id) };
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }

  onClose(close: () => Promise<unknown> | void): void {
    this.#closers.push(close);
  }

  /** Has the will published: the agent is gone as far as anybody can see. */
  async #kill(id: string): Promise<void> {
    const topicName = agentWill(SERVICE, id).topicName;
    await this.hubBus.publish({ topicName, payload: new Uint8Array(0), qos: 1, retain: true });
    await until('the agent is gone', () => this.service?.agents.has(id) === false);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const [, service = '', target = ''] = /^\/services\/([^/?]*)(.*)$/s.exec(request.url ?? '') ?? [];
    const prefix = `/services/${service}`;
    const place = { service, target, prefix, ...this.place };
    const own = { dropsAuthorization: false, mayOnlyRead: false, caller: 'caller' };
    const call = { request, response, ...place, ...own };
    serveHttp(this.hub, call, (_response, failure) => {
      this.failures.push(failure);
      if (failure.retryAfterSeconds !== undefined)
        response.setHeader('retry-after', failure.retryAfterSeconds);
      response.writeHead(599, { 'x-code': failure.code });
      response.end(failure.message);
    });
  }
}

export async function openServicesRig(
  t: Pick<TestContext, 'after'>,
  { limits = {}, brokerUrl, protocolVersion, clock = systemClock }: RigOptions = {},
): Promise<ServicesRig> {
  const closers: (() => Promise<unknown> | void)[] = [];
  let url = brokerUrl;
  let hubBus: Bus;
  if (url === undefined) {
    const broker = new Broker({ lingerMs: 100, clock });
    await broker.start();
    const listener = await listenTcp(broker, { host: '127.0.0.1', port: 0 });
    closers.push(
      () => broker.close(),
      () => listener.close(),
    );
    url = listener.url;
    hubBus = embedBus(broker);
  } else {
    hubBus = await connectBus(url, protocolVersion === undefined ? {} : { protocolVersion });
  }
  const hub = new ServiceHub({ bus: hubBus, log: silentLogger, clock, ...limits });
  await hub.start();
  const front = createServer();
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  closers.push(
    () => hubBus.close(),
    () => hub.stop(0),
    () => closeServer(front),
  );
  const rig = new ServicesRig({ hub, front, brokerUrl: url, hubBus, protocolVersion, clock, closers });
  t.after(() => rig.close());
  return rig;
}

/** An HTTP service to stand behind an agent. */
export async function openTarget(rig: ServicesRig, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rig.onClose(() => closeServer(server));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function readBody(request: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Sends bytes as they are, and collects what comes until the other side closes or `isEnough`. */
export async function talkRaw(
  url: string,
  text: string,
  isEnough: (received: string) => boolean = () => false,
): Promise<{ received: string; socket: Socket }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  let received = '';
  let isClosed = false;
  socket.on('data', (data) => (received += data.toString('latin1')));
  socket.on('close', () => (isClosed = true));
  socket.write(text, 'latin1');
  await until('the answer', () => isClosed || isEnough(received));
  return { received, socket };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  if (server.listening) await once(server, 'close');
}
