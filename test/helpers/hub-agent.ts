import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { silentLogger } from '../../src/base/logger.ts';
import { connectBus } from '../../src/bus/client-bus.ts';
import { AllowList } from '../../src/services/agent/allow-list.ts';
import { agentWill, HttpServiceAgent } from '../../src/services/agent/http-service-agent.ts';
import { Upstream } from '../../src/services/agent/upstream.ts';
import type { TestHub } from './start-test-hub.ts';
import { until } from './until.ts';

/** Puts a service behind an agent of a hub, in this process. @returns the service's own address */
export async function serveThroughHub(
  t: TestContext,
  hub: TestHub,
  name: string,
  listener: RequestListener,
): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await offerThroughHub(t, hub, name, url);
  return url;
}

/** The same for a service that is there already. */
export async function offerThroughHub(
  t: TestContext,
  hub: TestHub,
  name: string,
  url: string,
): Promise<void> {
  const agentId = `${name}-agent`;
  const bus = await connectBus(`mqtt://127.0.0.1:${hub.mqttPort}`, {
    clientId: agentId,
    will: agentWill(name, agentId),
  });
  const upstream = new Upstream(url);
  const agent = new HttpServiceAgent({
    service: name,
    agentId,
    bus,
    upstream,
    allow: new AllowList([]),
    log: silentLogger,
    drainMs: 0,
  });
  t.after(async () => {
    await agent.stop();
    await bus.close();
    await upstream.close();
  });
  await agent.start();
  const directory = hub.server.hub.services?.serviceHub?.directory;
  await until('the hub knows the agent', () => directory?.get(name)?.agents.has(agentId));
}
