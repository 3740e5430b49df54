import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Config } from '../hub/config/config-schema.ts';
import { defaultConfig } from '../hub/config/hub-config.ts';
import { describeTakenPorts } from './taken-ports.ts';

/** A configuration whose only port is that of the HTTP API. */
function configWith(port: number): Config {
  const { http, gateways, mqtt, ...others } = defaultConfig();
  return {
    ...others,
    http: { ...http, port },
    gateways: { ...gateways, socket: { ...gateways.socket, enabled: false } },
    mqtt: { ...mqtt, enabled: false },
  };
}

async function serve(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('describeTakenPorts', () => {
  it('tells of a hub that has the port', async (t) => {
    const port = await serve(t, (_request, reply) => {
      const body = '{"status":"ok","name":"recado","version":"0.1.0"}';
      reply.setHeader('content-length', body.length).end(body);
    });
    assert.deepEqual(await describeTakenPorts(configWith(port)), [
      `TCP port ${port} on 127.0.0.1 is in use by another program. Choose another with --http-port, or http.port in ` +
        'the configuration.',
      `A Recado hub is already running at http://127.0.0.1:${port}.`,
    ]);
  });

  it('tells of the ports of MQTT', async (t) => {
    const port = await serve(t, (_request, reply) => reply.end());
    const { mqtt, ...others } = configWith(0);
    const config = {
      ...others,
      mqtt: { ...mqtt, enabled: true, port, tls: { ...mqtt.tls, enabled: true, port } },
    };
    assert.deepEqual(await describeTakenPorts(config), [
      `TCP port ${port} on 127.0.0.1 is in use by another program. Choose another with --mqtt-port, or mqtt.port in ` +
        'the configuration.',
      `TCP port ${port} on 127.0.0.1 is in use by another program. Choose another with RECADO_MQTT_TLS_PORT, or ` +
        'mqtt.tls.port in the configuration.',
    ]);
  });

  const strangers: Readonly<Record<string, RequestListener>> = {
    'says something else': (_request, reply) => reply.end('hello'),
    'says too much': (_request, reply) => reply.end(`{"name":"recado"${' '.repeat(1000)}}`),
    'says nothing': () => {},
  };
  for (const [name, answer] of Object.entries(strangers)) {
    it(`takes no program for a hub that ${name}`, async (t) => {
      const port = await serve(t, answer);
      assert.equal((await describeTakenPorts(configWith(port))).length, 1);
    });
  }

  it('has nothing to tell when all is free, or any port will do', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    assert.deepEqual(await describeTakenPorts(configWith(port)), []);
    assert.deepEqual(await describeTakenPorts(configWith(0)), []);
  });
});
