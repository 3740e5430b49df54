import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { createClient, type Client, type Scope } from '../../src/client/index.ts';
import { offerThroughHub } from '../helpers/hub-agent.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

const ROOT = 'a-token-of-the-configuration';

type Rig = {
  readonly hub: TestHub;
  /** What the service was asked for, by WebSocket and otherwise. */
  readonly asked: string[];
  readonly make: (
    role: 'viewer' | 'operator',
    ...scopes: Scope[]
  ) => Promise<Client & { readonly id: string }>;
  /** The status that a WebSocket is answered with, and the socket where it is open. */
  readonly open: (path: string) => Promise<{ status: number; socket: WebSocket }>;
};

/** A service that repeats what it is told, by WebSocket. */
async function serveEcho(t: TestContext, asked: string[]): Promise<string> {
  const sockets = new WebSocketServer({ noServer: true });
  const server: Server = createServer((request, response) => {
    asked.push(request.url!);
    response.end();
  });
  server.on('upgrade', (request, socket, head) => {
    asked.push(request.url!);
    sockets.handleUpgrade(request, socket, head, (echo) =>
      echo.on('message', (data: Buffer) => echo.send(`echo ${String(data)}`)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const each of sockets.clients) each.terminate();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function openRig(t: TestContext): Promise<Rig> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedNetworks = [];
    config.mqtt.trustedNetworks = ['127.0.0.1'];
  });
  const asked: string[] = [];
  const url = await serveEcho(t, asked);
  for (const name of ['echo', 'other']) await offerThroughHub(t, hub, name, url);
  const admin = createClient({ url: hub.url, token: ROOT });
  return {
    hub,
    asked,
    make: async (role, ...scopes) => {
      const { token, id } = await admin.tokens.create({ name: role, roles: [role], scopes });
      return { ...createClient({ url: hub.url, token }), id };
    },
    open: async (path) => {
      const socket = new WebSocket(`${hub.url.replace('http', 'ws')}/services/${path}`, {
        origin: 'https://page.example',
      });
      t.after(() => socket.terminate());
      const status = new Promise<number>((resolve) => {
        socket.once('open', () => resolve(101));
        socket.once('unexpected-response', (_, response) => resolve(response.statusCode!));
      });
      socket.on('error', () => undefined);
      return { status: await status, socket };
    },
  };
}

describe('a ticket for a WebSocket of a service', () => {
  it('opens one, without the ticket in what the service is asked for', async (t) => {
    const { make, open, asked } = await openRig(t);
    const client = await make('operator');
    const { ticket } = await client.ticket({ service: 'echo' });
    const { status, socket } = await open(`echo/talk?a=1&recado_ticket=${ticket}&ticket=mine`);
    assert.equal(status, 101);
    socket.send('hello');
    const [data] = (await once(socket, 'message')) as [Buffer];
    assert.equal(String(data), 'echo hello');
    assert.deepEqual(asked, ['/talk?a=1&ticket=mine']);
    assert.equal((await open(`echo/talk?recado_ticket=${ticket}`)).status, 401, 'it was used');
    for (const [more, seen] of [
      ['?recado_ticket=', ''],
      ['?recado_ticket=', '?b'],
    ] as const) {
      const next = await client.ticket({ service: 'echo' });
      await open(`echo/talk${more}${next.ticket}${seen.replace('?', '&')}`);
      assert.equal(asked.pop(), `/talk${seen}`);
    }
  });

  it('opens no other service, no page, no events, and one for events opens no WebSocket', async (t) => {
    const { hub, make, open, asked } = await openRig(t);
    const client = await make('operator');
    const ticketOf = async (wish: { service: string } | object): Promise<string> =>
      (await client.ticket(wish)).ticket;
    assert.equal((await open(`other/?recado_ticket=${await ticketOf({ service: 'echo' })}`)).status, 401);
    assert.equal((await open(`echo/?recado_ticket=${await ticketOf({})}`)).status, 401);
    assert.equal((await open(`echo/?ticket=${await ticketOf({ service: 'echo' })}`)).status, 401);
    for (const path of [
      '/services/echo/?recado_ticket=',
      '/api/v1/events?ticket=',
      '/api/v1/devices?recado_ticket=',
    ]) {
      const { status } = await hub.call('GET', path + (await ticketOf({ service: 'echo' })));
      assert.equal(status, 401, path);
    }
    assert.deepEqual(asked, []);
  });

  it('is for who may command the service, and for nothing else beside', async (t) => {
    const { make } = await openRig(t);
    const wish = { service: 'echo' };
    await assert.rejects((await make('viewer')).ticket(wish), { code: 'FORBIDDEN' });
    await assert.rejects((await make('operator', { services: ['other'] })).ticket(wish), {
      code: 'FORBIDDEN',
    });
    await (await make('operator', { services: ['ec*'] })).ticket(wish);
    const both = { ...wish, lastEventId: 'x-1' };
    await assert.rejects((await make('operator')).ticket(both), { code: 'REQUEST_INVALID' });
  });

  it('ends with its account, and so does what it has opened', async (t) => {
    const { hub, make, open } = await openRig(t);
    const client = await make('operator');
    const [first, second] = [
      await client.ticket({ service: 'echo' }),
      await client.ticket({ service: 'echo' }),
    ];
    const { status, socket } = await open(`echo/?recado_ticket=${first.ticket}`);
    assert.equal(status, 101);
    const closed = once(socket, 'close');
    await hub.call('DELETE', `/api/v1/tokens/${client.id}`, undefined, { authorization: `Bearer ${ROOT}` });
    await closed;
    assert.equal((await open(`echo/?recado_ticket=${second.ticket}`)).status, 401);
  });
});
