import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connectBus } from '../../src/bus/client-bus.ts';
import type { Bus, OutgoingMessage } from '../../src/bus/bus.ts';
import { createClient } from '../../src/client/index.ts';
import { agentWill } from '../../src/services/agent/http-service-agent.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { passwordLines, TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { runProgram } from '../helpers/run-program.ts';
import { talkRaw } from '../helpers/services-rig.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const TOKEN = 'a-token-that-is-long-enough';

async function openTarget(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function startAgent(t: TestContext, hub: TestHub, ...args: string[]): ChildProgram {
  const broker = `mqtt://127.0.0.1:${hub.mqttPort}`;
  const agent = new ChildProgram(recadoWords('agent', '--broker', broker, ...args), { name: 'the agent' });
  t.after(() => agent.stop());
  return agent;
}

async function waitForService(
  hub: TestHub,
  status: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const look = async (): Promise<boolean> => {
    const { body } = await hub.call('GET', '/api/v1/services', undefined, headers);
    return body.services[0]?.status === status;
  };
  await until(`the service is ${status}`, look, 20_000);
}

const sayAuthorization: RequestListener = (request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ authorization: request.headers.authorization ?? null, url: request.url }));
};

describe('recado agent --service', () => {
  it('takes the broker of RECADO_BROKER where no flag names one', async (t) => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, 'close');
    const words = recadoWords('agent', '--service', 'x=http://127.0.0.1:1');
    const env = { RECADO_BROKER: `mqtt://127.0.0.1:${port}` };
    const agent = new ChildProgram(words, { name: 'the agent', env });
    t.after(() => agent.stop());
    const complaint = `cannot reach the MQTT broker at mqtt://127.0.0.1:${port}`;
    await until('the complaint', () => `${agent.lines.join()}${agent.errorText}`.includes(complaint));
  });

  it('makes a service reachable through the hub, says so, and leaves in order', async (t) => {
    const hub = await startTestHub(t);
    const target = await openTarget(t, (request, response) =>
      response.end(`${request.method} ${request.url}`),
    );
    const agent = startAgent(
      t,
      hub,
      '--service',
      `billing=${target}`,
      '--id',
      'box',
      '--description',
      'the first',
    );
    await waitForService(hub, 'available');
    const answer = await fetch(`${hub.url}/services/billing/any/path?x=1`, { method: 'PATCH' });
    assert.equal(await answer.text(), 'PATCH /any/path?x=1');

    const [service] = await createClient({ url: hub.url }).services.list();
    assert.deepEqual(
      [service?.name, service?.status, service?.inFlight, service?.requests, service?.agents.length],
      ['billing', 'available', 0, 1, 1],
    );
    const [listed] = service?.agents ?? [];
    assert.deepEqual(
      [listed?.agentId, listed?.description, listed?.isHealthy, listed?.maxInFlight],
      ['box', 'the first', true, 100],
    );

    const { text: metrics } = await hub.call('GET', '/metrics');
    for (const line of ['recado_services_requests_total 1', 'recado_services_in_flight 0'])
      assert.ok(metrics.includes(`${line}\n`), line);

    agent.signal('SIGTERM');
    assert.equal(await agent.exit(), 0);
    await waitForService(hub, 'no-agent');
    const gone = await hub.call('GET', '/services/billing/');
    assert.deepEqual([gone.status, gone.body.code, gone.headers.get('retry-after')], [503, 'NO_AGENT', '5']);
    assert.match(agent.errorText, /agent box serves billing at http/);
  });

  it('is seen to be gone at once when its process is killed', async (t) => {
    const hub = await startTestHub(t);
    const target = await openTarget(t, () => {});
    const agent = startAgent(t, hub, '--service', `billing=${target}`);
    await waitForService(hub, 'available');
    const answer = hub.call('POST', '/services/billing/');
    await until('the request runs', () => hub.server.hub.services?.serviceHub?.inFlightCount === 1);
    agent.signal('SIGKILL');
    const { status, body } = await answer;
    assert.deepEqual([status, body.code], [502, 'AGENT_LOST']);
  });

  const mistakes: readonly [words: readonly string[], says: RegExp][] = [
    [[], /which service/],
    [['--service', 'billing'], /write NAME=URL/],
    [['--service', 'a/b=http://x'], /write NAME=URL/],
    [['--service', 'a=ftp://x'], /no address of an HTTP service/],
    [['--service', 'a=http://x', '--service', 'a=http://y'], /given twice/],
    [['--service', 'a=http://x', '--allow', 'GET'], /is no rule/],
    [['--service', 'a=http://x', '--health', 'x'], /--health is a path/],
    [['--service', 'a=http://x', '--id', 'a/b'], /--id has/],
    [['--service', 'a=http://x', '--broker', 'http://x'], /--broker "http:\/\/x" is no address/],
    [['--service', 'a=http://x', '--broker', 'mqtt://x', '--insecure', '--cert', 'x'], /--cert and --key/],
  ];
  it('tells what is wrong with its flags, and connects to nothing', async () => {
    for (const [words, says] of mistakes) {
      const { end, errors } = await runProgram(recadoWords('agent', ...words));
      assert.equal(end, 2, words.join(' '));
      assert.match(errors, says);
    }
  });
});

describe('/services on the HTTP port', () => {
  async function startWithTarget(t: TestContext, change: (config: MutableConfig) => void): Promise<TestHub> {
    const hub = await startTestHub(t, change);
    const target = await openTarget(t, sayAuthorization);
    startAgent(t, hub, '--service', `billing=${target}`);
    await waitForService(hub, 'available', { authorization: `Bearer ${TOKEN}` });
    return hub;
  }

  it('has the access rules of the API; the token for the hub stays with the hub', async (t) => {
    const hub = await startWithTarget(t, ({ http }) => {
      http.tokens = [TOKEN];
      http.trustedNetworks = ['192.0.2.0/24'];
    });
    const statusOf = async (headers: Record<string, string>) =>
      (await hub.call('GET', '/services/billing/', undefined, headers)).status;
    assert.equal(await statusOf({}), 401);
    assert.equal(await statusOf({ authorization: 'Basic eDp5' }), 401);
    const { body } = await hub.call('GET', '/services/billing/', undefined, {
      authorization: `Bearer ${TOKEN}`,
    });
    assert.equal(body.authorization, null);
  });

  it('passes Authorization of trusted callers on, and no page of another site', async (t) => {
    const hub = await startWithTarget(t, ({ http }) => {
      http.tokens = [TOKEN];
    });
    const { body } = await hub.call('GET', '/services/billing/', undefined, { authorization: 'Basic eDp5' });
    assert.equal(body.authorization, 'Basic eDp5');
    const foreign = await hub.call('GET', '/services/billing/', undefined, { origin: 'http://evil.example' });
    assert.deepEqual([foreign.status, foreign.body.code], [403, 'FORBIDDEN']);
    const elsewhere = await hub.call('GET', '/api/v1/services', undefined, { authorization: 'Basic eDp5' });
    assert.equal(elsewhere.status, 401);
  });

  it('takes the path as it came, behind a host of its own too', async (t) => {
    const hub = await startWithTarget(t, () => {});
    const ask = async (line: string) =>
      (await talkRaw(hub.url, `${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)).received;
    assert.match(await ask('GET /services/billing'), /"url":"\/"/);
    assert.match(await ask('GET /services/billing?a'), /"url":"\/\?a"/);
    assert.match(await ask('GET /services/billing//x%2Fy/%41'), /"url":"\/\/x%2Fy\/%41"/);
    assert.match(await ask('GET /services/billing/%E7?%zz'), /"url":"\/%E7\?%zz"/);
    assert.match(await ask('GET /services/billing/%zz'), /"url":"\/%25zz"/);
    assert.match(await ask('GET /services/billing??'), /"url":"\/\?\?"/);
    assert.match(await ask('PROPFIND /services/billing/dav'), /^HTTP\/1\.1 200/);
    assert.match(await ask('MKCALENDAR /services/billing/dav'), /^HTTP\/1\.1 200/);
    assert.match(await ask('GET http://localhost/services/billing/x%2Fy'), /"url":"\/x%2Fy"/);
    assert.match(await ask('GET http://evil.example/services/billing/x'), /^HTTP\/1\.1 403[^]*FORBIDDEN/);
    assert.match(await ask('GET ftp://localhost/services/billing/x'), /^HTTP\/1\.1 400/);
    assert.match(await ask('GET /%73ervices/billing'), /^HTTP\/1\.1 400/);
    assert.match(await ask('GET /%73ervices/billing/x'), /^HTTP\/1\.1 404[^]*ROUTE_UNKNOWN/);
    assert.match(await ask('GET /services/nobody/x'), /^HTTP\/1\.1 404[^]*SERVICE_UNKNOWN/);
  });

  it('says that there are no services without a broker', async (t) => {
    const hub = await startTestHub(t, ({ mqtt }) => {
      mqtt.enabled = false;
    });
    assert.deepEqual((await hub.call('GET', '/api/v1/services')).body, { services: [] });
    assert.equal((await hub.call('GET', '/services/x/')).body.code, 'SERVICE_UNKNOWN');
  });
});

describe("the topics of services on the hub's broker", () => {
  const announcement = (service: string, id: string) => ({
    topicName: `recado/services/${service}/agents/${id}`,
    payload: Buffer.from(
      '{"version":2,"epoch":1,"isHealthy":true,"isLeaving":false,"maxInFlight":1,"creditBytes":1,"maxHeadBytes":1}',
    ),
    qos: 1 as const,
    retain: true,
  });

  async function isDenied(work: Promise<unknown>): Promise<boolean> {
    return work.then(
      () => false,
      (error: { code?: string }) => error.code === 'BROKER_DENIED' || Promise.reject(error as Error),
    );
  }

  async function connectAs(
    t: TestContext,
    hub: TestHub,
    clientId: string,
    user?: string,
    will?: OutgoingMessage,
  ): Promise<Bus> {
    const proof = user === undefined ? {} : { user, password: 'secret' };
    const bus = await connectBus(`mqtt://127.0.0.1:${hub.mqttPort}`, {
      clientId,
      ...proof,
      ...(will && { will }),
    });
    t.after(() => bus.close());
    return bus;
  }

  it('belong to the agent that is named in them', async (t) => {
    const hub = await startTestHub(t);
    const own = await connectAs(t, hub, 'box.billing');
    const publish = (topicName: string, more: object = {}) =>
      isDenied(own.publish({ topicName, payload: Buffer.from('x'), qos: 1, ...more }));
    const subscribe = (filter: string) => isDenied(own.subscribe(filter, { qos: 1 }, () => {}));
    const base = 'recado/services/billing';
    assert.equal(await isDenied(own.publish(announcement('billing', 'box'))), false);
    assert.equal(await publish(`${base}/hubs/h/out/box`), false);
    assert.equal(await subscribe(`${base}/agents/box/in/+`), false);
    assert.equal(await isDenied(own.publish(announcement('billing', 'other'))), true);
    assert.equal(await isDenied(own.publish(announcement('stock', 'box'))), true);
    assert.equal(await publish(`${base}/agents/box/in/h`), true);
    assert.equal(await publish(`${base}/hubs/h/out/box`, { retain: true }), true);
    assert.equal(await publish(`${base}/agents/box`, { payload: Buffer.alloc(3000), retain: true }), true);
    for (const filter of ['agents/+/in/+', 'agents/other/in/+', 'hubs/+/out/+', 'agents/+', '#'])
      assert.equal(await subscribe(`${base}/${filter}`), true, filter);
  });

  it('are not seen by who subscribes to everything, retained or not', async (t) => {
    const hub = await startTestHub(t);
    const own = await connectAs(t, hub, 'box.billing');
    await own.publish(announcement('billing', 'box'));
    const spy = await connectAs(t, hub, 'spy');
    const seen: string[] = [];
    for (const filter of ['#', 'recado/+/#', '+/services/+/agents/+'])
      await spy.subscribe(filter, { qos: 1 }, ({ topicName }) => void seen.push(topicName));
    await own.publish(announcement('billing', 'box'));
    await own.publish({
      topicName: 'recado/services/billing/hubs/h/out/box',
      payload: Buffer.from('x'),
      qos: 1,
    });
    await own.publish({ topicName: 'other', payload: Buffer.from('x'), qos: 1 });
    await until('the other message', () => seen.includes('other'));
    assert.deepEqual(
      seen.filter((topic) => topic.startsWith('recado/services/')),
      [],
    );
  });

  it('belong to the users that the configuration names', async (t) => {
    const lines = await passwordLines({ ana: 'secret', bob: 'secret', eva: 'secret' });
    const passwordFile = new TestFolder(t).write('users', lines);
    const hub = await startTestHub(t, ({ mqtt, services }) => {
      mqtt.passwordFile = passwordFile;
      services.agents = { ana: ['billing'], bob: ['*'] };
    });
    const mayServe = async (user: string | undefined, service: string) => {
      const bus = await connectAs(t, hub, `box-${user}.${service}`, user);
      return !(await isDenied(bus.publish(announcement(service, `box-${user}`))));
    };
    assert.deepEqual(
      [
        await mayServe('ana', 'billing'),
        await mayServe('ana', 'stock'),
        await mayServe('bob', 'stock'),
        await mayServe('eva', 'billing'),
        await mayServe(undefined, 'billing'),
      ],
      [true, false, true, false, false],
    );
  });

  it('belong to trusted clients alone where there are passwords and no rule', async (t) => {
    const lines = await passwordLines({ guest: 'secret' });
    const passwordFile = new TestFolder(t).write('users', lines);
    const hub = await startTestHub(t, ({ mqtt }) => {
      mqtt.passwordFile = passwordFile;
    });
    const mayServe = async (id: string, user?: string) => {
      const bus = await connectAs(t, hub, id, user);
      return !(await isDenied(bus.publish(announcement('billing', id))));
    };
    assert.deepEqual([await mayServe('box'), await mayServe('other', 'guest')], [true, false]);
  });

  it('belong to nobody whom a proxy that nobody named has passed on', async (t) => {
    const mayServe = async (trustedProxies: string[]) => {
      const hub = await startTestHub(t, (config) => {
        // Where everybody may come in.
        config.insecure = true;
        config.http.host = '0.0.0.0';
        config.http.trustedProxies = trustedProxies;
      });
      const { hostname, port } = new URL(hub.url);
      const proxy = createTcpServer((socket) => {
        const onward = connectTcp(Number(port), hostname);
        socket.once('data', (head) => {
          onward.write(
            head.toString('latin1').replace('\r\n', '\r\nX-Forwarded-For: 127.0.0.1\r\n'),
            'latin1',
          );
          socket.pipe(onward).pipe(socket);
        });
        for (const one of [socket, onward]) one.on('error', () => {});
      }).listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      t.after(() => void proxy.close());
      const bus = await connectBus(`ws://127.0.0.1:${(proxy.address() as AddressInfo).port}/mqtt`, {
        clientId: 'box',
      });
      t.after(() => bus.close());
      return !(await isDenied(bus.publish(announcement('billing', 'box'))));
    };
    assert.deepEqual([await mayServe([]), await mayServe(['127.0.0.1'])], [false, true]);
  });

  it('are given up where their user is taken out of the passwords and the rules', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('users', await passwordLines({ ana: 'secret', bob: 'secret' }));
    const aclFile = folder.write('rules', 'user ana\ntopic #\nuser bob\ntopic #\n');
    const hub = await startTestHub(t, ({ mqtt, services }) => {
      Object.assign(mqtt, { passwordFile, aclFile });
      services.agents = { ana: ['billing'] };
    });
    const own = await connectAs(t, hub, 'box', 'ana', agentWill('billing', 'box'));
    await own.publish(announcement('billing', 'box'));
    const agents = () => hub.server.hub.services?.serviceHub?.directory.get('billing')?.agents.size;
    await until('the hub knows the agent', () => agents() === 1);
    folder.write('rules', 'user bob\ntopic #\n');
    const isAnaDenied = () =>
      isDenied(own.publish({ topicName: 'other', payload: Buffer.from('x'), qos: 1 }));
    await until('the rules are read', isAnaDenied);
    folder.write('users', await passwordLines({ bob: 'secret' }));
    await until('the agent is gone', () => agents() === 0);
  });

  it('and the id of an agent belong to the user who is connected with it', async (t) => {
    const lines = await passwordLines({ ana: 'secret', bob: 'secret' });
    const passwordFile = new TestFolder(t).write('users', lines);
    const hub = await startTestHub(t, ({ mqtt, services }) => {
      mqtt.passwordFile = passwordFile;
      services.agents = { ana: ['billing'], bob: ['billing'] };
    });
    const own = await connectAs(t, hub, 'box.billing', 'ana');
    await own.publish(announcement('billing', 'box'));
    // By the other client id that may have it, and by the same one.
    const fellow = await connectAs(t, hub, 'box', 'bob');
    assert.equal(await isDenied(fellow.publish(announcement('billing', 'box'))), true);
    const listening = fellow.subscribe('recado/services/billing/agents/box/in/+', {}, () => {});
    assert.equal(await isDenied(listening), true);
    await assert.rejects(connectAs(t, hub, 'box.billing', 'bob'), /another user/);
    assert.equal(own.isConnected, true);
    await own.close();
    await until(
      'the id is free',
      async () => !(await isDenied(fellow.publish(announcement('billing', 'box')))),
    );
  });
});
