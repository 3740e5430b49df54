import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { makeAuthority } from '../helpers/mqtt-certificates.ts';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { RADIO_DESCRIPTION, WireDevice } from '../helpers/wire-device.ts';

const told = ({ gateways: { socket } }: MutableConfig): void => {
  socket.proxyProtocolNetworks = ['127.0.0.1'];
  socket.trustedNetworks = ['192.0.2.0/24'];
};
const header = (address: string, port = 4711): string => `PROXY TCP4 ${address} 127.0.0.1 ${port} 5050\r\n`;
const HELLO = '{"recado":2,"id":"lamp","description":{"commands":{}}}\n';

async function closes(t: TestContext, hub: TestHub, bytes: string): Promise<string> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(bytes);
  await until('it is closed', () => device.isClosed);
  return device.text;
}

describe('gateways.socket.proxyProtocolNetworks', () => {
  it('has the balancer say where devices come from: their ids, and whether they are trusted', async (t) => {
    const hub = await startTestHub(t, told);
    for (const [address, id] of [
      ['192.0.2.7', 'DE7'],
      ['192.0.2.8', 'DE8'],
    ] as const) {
      const device = await WireDevice.connect(t, hub.tcpPort);
      // The first word comes with the header, in one piece.
      device.send(`${header(address)}Conexão`);
      await device.expect(id);
      device.send(JSON.stringify(RADIO_DESCRIPTION));
      await until(`${id} is listed`, async () => (await hub.call('GET', '/devices')).text.includes(id));
    }
    const apart = await WireDevice.connect(t, hub.tcpPort);
    await apart.sendApart(...header('192.0.2.9').match(/.{1,9}/gs)!, HELLO.slice(0, 5), HELLO.slice(5));
    await until('it is answered', () => apart.text.includes('"ok":true'));
    assert.equal(await closes(t, hub, `${header('198.51.100.1')}Conexão`), '', 'a stranger');
    assert.equal(hub.counters['connectionsRefusedUntrusted'], 1);
  });

  it('counts connections by that address', async (t) => {
    const hub = await startTestHub(t, (config) => {
      told(config);
      config.gateways.socket.maxConnectionsPerAddress = 1;
    });
    const first = await WireDevice.connect(t, hub.tcpPort);
    first.send(header('192.0.2.7') + HELLO);
    await until('it is answered', () => first.text.includes('"ok":true'));
    assert.equal(await closes(t, hub, header('192.0.2.7') + HELLO), '');
    assert.equal(hub.counters['connectionsRefusedPerAddress'], 1);
    const other = await WireDevice.connect(t, hub.tcpPort);
    other.send(header('192.0.2.8') + HELLO.replace('lamp', 'door'));
    await until('another is answered', () => other.text.includes('"ok":true'));
  });

  it('lets nobody in without a header, or from elsewhere than the balancer', async (t) => {
    const hub = await startTestHub(t, told);
    assert.equal(await closes(t, hub, HELLO), '');
    const elsewhere = await WireDevice.connect(t, hub.tcpPort, '127.0.0.2');
    elsewhere.send(header('192.0.2.7') + HELLO);
    await until('it is closed', () => elsewhere.isClosed);
    assert.equal(hub.counters['connectionsRefusedEarly'], 2);
    assert.ok(
      hub.logged.some(({ text }) => /socket from 127\.0\.0\.2 was refused: proxy-untrusted/.test(text)),
    );
  });

  it('stands before TLS', async (t) => {
    const authority = await makeAuthority();
    const folder = new TestFolder(t);
    const { cert, key } = await authority.issueServer('127.0.0.1');
    const files = { certFile: folder.write('hub.crt', cert), keyFile: folder.write('hub.key', key) };
    const hub = await startTestHub(t, (config) => {
      told(config);
      config.gateways.socket.tls = { enabled: true, host: '127.0.0.1', port: 0, ...files };
    });
    const secure = hub.server.listening.find(({ name }) => name === 'socket-tls');
    const socket = connectTcp(Number(new URL(secure?.address ?? '').port), '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write(header('192.0.2.7'));
    const device = connectTls({ socket, ca: authority.ca, host: '127.0.0.1' });
    device.write(HELLO);
    const [answer] = (await once(device, 'data')) as [Buffer];
    assert.match(answer.toString(), /"ok":true/);
  });
});
