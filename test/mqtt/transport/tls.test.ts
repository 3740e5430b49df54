import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { makeAuthority, type TestIdentity } from '../../helpers/mqtt-certificates.ts';
import { RecordingAcceptor } from '../../helpers/mqtt-recording-acceptor.ts';
import { describeTransport } from '../../helpers/mqtt-transport-contract.ts';
import { until } from '../../helpers/until.ts';
import { listenTls, type TlsListener, type TlsListenOptions } from '../../../src/mqtt/transport/tls.ts';

const authority = await makeAuthority();
const stranger = await makeAuthority('Stranger CA');
const server = await authority.issueServer('localhost', '127.0.0.1');
const sensor = await authority.issueClient('sensor-7');
const strangeSensor = await stranger.issueClient('sensor-7');

const LOCAL = { host: '127.0.0.1', port: 0 };

type Opened = {
  acceptor: RecordingAcceptor;
  listener: TlsListener;
  told: string[];
  dial: (options?: ConnectionOptions) => TLSSocket;
};

async function open(t: TestContext, options: Partial<TlsListenOptions> = {}): Promise<Opened> {
  const acceptor = new RecordingAcceptor();
  const told: string[] = [];
  const listener = await listenTls(acceptor, {
    ...LOCAL,
    ...server,
    onRefused: (reason, address) => void told.push(`${reason} ${address}`),
    ...options,
  });
  const clients: TLSSocket[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    acceptor.destroyAll();
    await listener.close();
  });
  const dial = (options: ConnectionOptions = {}): TLSSocket => {
    const { port } = listener;
    const client = connect({ host: '127.0.0.1', port, ca: authority.ca, ...options });
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  return { acceptor, listener, told, dial };
}

/** Errors of the client do not matter here: only that the server let it go. */
async function closed(client: Socket): Promise<void> {
  client.on('error', () => {});
  client.resume();
  await until('the client is closed', () => client.closed);
}

function serialOf({ cert }: TestIdentity): string {
  return new X509Certificate(cert).serialNumber;
}

describeTransport({
  name: 'tls',
  canReset: true,
  async open(acceptor) {
    const listener = await listenTls(acceptor, { ...LOCAL, ...server });
    return {
      close: () => listener.close(),
      connect: async () => {
        const client = connect({ host: '127.0.0.1', port: listener.port, ca: authority.ca });
        await once(client, 'secureConnect');
        return client;
      },
    };
  },
});

describe('a TLS listener', () => {
  it('tells who is at the other end, and where it listens', async (t) => {
    const { acceptor, listener, dial } = await open(t);
    assert.equal(listener.url, `mqtts://127.0.0.1:${listener.port}`);
    const client = dial({ ...sensor });
    client.write('hello');
    const connection = await acceptor.connection();
    await connection.untilText('hello');
    const port = client.localPort;
    assert.deepEqual(connection.peer, {
      transport: 'tls',
      address: '127.0.0.1',
      port,
      certificate: undefined,
    });
  });

  it('does not speak TLS 1.1, nor 1.2 where 1.3 is the least', async (t) => {
    const { dial, told } = await open(t, { minVersion: 'TLSv1.3' });
    await closed(dial({ maxVersion: 'TLSv1.2' }));
    assert.deepEqual(told, ['tls-failed 127.0.0.1']);
    const { dial: dialDefault, told: toldDefault } = await open(t);
    await closed(dialDefault({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }));
    assert.deepEqual(toldDefault, ['tls-failed 127.0.0.1']);
  });

  for (const servername of ['localhost', 'other.example']) {
    it(`shakes hands once for each connection, also as ${servername}`, async (t) => {
      const { dial, listener } = await open(t, { sni: { 'other.example': server } });
      for (const round of ['as it opened', 'with other material']) {
        const client = dial({ maxVersion: 'TLSv1.2', servername, checkServerIdentity: () => undefined });
        await once(client, 'secureConnect');
        let told: string | undefined;
        client.once('error', ({ message }) => (told = message));
        client.renegotiate({}, (error) => (told ??= error?.message ?? 'it shook hands again'));
        assert.match(await until('it is answered', () => told), /no renegotiation/, round);
        listener.reload({ ...server, sni: { 'other.example': server } });
      }
    });
  }

  it('counts and tells of what is not TLS, of silence and of leaving in the middle', async (t) => {
    const { listener, told, acceptor } = await open(t);
    const plain = connectTcp(listener.port, '127.0.0.1');
    plain.write('GET / HTTP/1.1\r\n\r\n');
    await closed(plain);
    const leaving = connectTcp(listener.port, '127.0.0.1');
    leaving.end();
    await closed(leaving);
    const resetting = connectTcp(listener.port, '127.0.0.1');
    await once(resetting, 'connect');
    resetting.write(Buffer.from('160301', 'hex'));
    resetting.resetAndDestroy();
    await until('three were told', () => told.length === 3);
    assert.equal(told[0], 'tls-failed 127.0.0.1');
    assert.equal(listener.refusals['tls-failed'] + listener.refusals['handshake-unfinished'], 3);
    assert.equal(acceptor.connections.length, 0);
    const hasty = await open(t, { handshakeTimeoutMs: 100 });
    await closed(connectTcp(hasty.listener.port, '127.0.0.1'));
    assert.deepEqual(hasty.told, ['handshake-timeout 127.0.0.1']);
    assert.equal(hasty.listener.refusals['handshake-timeout'], 1);
    assert.equal(hasty.acceptor.connections.length, 0);
  });

  it('lets at most maxHandshakes be under way: the oldest makes room', async (t) => {
    const { listener, told, acceptor, dial } = await open(t, { maxHandshakes: 2 });
    const silent = [connectTcp(listener.port, '127.0.0.1'), connectTcp(listener.port, '127.0.0.1')];
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    await once(dial(), 'secureConnect');
    await acceptor.connection();
    assert.deepEqual(told, ['too-many-handshakes 127.0.0.1']);
    await until('one is closed', () => silent.filter(({ closed: isClosed }) => isClosed).length === 1);
  });

  it('who opens many handshakes and says nothing keeps nobody else out', async (t) => {
    const { listener, told, acceptor, dial } = await open(t, { maxHandshakes: 10 });
    const modest = connectTcp({ port: listener.port, host: '127.0.0.1', localAddress: '127.0.0.3' });
    await once(modest, 'connect');
    for (let left = 30; left > 0; left--) {
      await once(
        connectTcp({ port: listener.port, host: '127.0.0.1', localAddress: '127.0.0.2' }),
        'connect',
      );
    }
    await once(dial(), 'secureConnect');
    await acceptor.connection();
    assert.equal(modest.closed, false);
    assert.deepEqual(new Set(told), new Set(['too-many-handshakes 127.0.0.2']));
  });

  it('drops handshakes that are under way when it closes', async (t) => {
    const { listener, told } = await open(t);
    const silent = connectTcp(listener.port, '127.0.0.1');
    const second = connectTcp(listener.port, '127.0.0.1');
    second.write('not TLS');
    await closed(second);
    await listener.close();
    await closed(silent);
    assert.deepEqual(told, ['tls-failed 127.0.0.1']);
  });

  it('reads a PROXY header in clear before the handshake', async (t) => {
    const { listener, acceptor, told } = await open(t, {
      proxyProtocol: { trustedNetworks: ['127.0.0.1'] },
    });
    const raw = connectTcp(listener.port, '127.0.0.1');
    await once(raw, 'connect');
    raw.write('PROXY TCP4 203.0.113.7 10.0.0.1 40000 8883\r\n');
    const client = connect({ socket: raw, ca: authority.ca, host: '127.0.0.1' });
    client.write('hello');
    const connection = await acceptor.connection();
    assert.deepEqual([connection.peer.address, connection.peer.port], ['203.0.113.7', 40_000]);
    await connection.untilText('hello');
    client.destroy();
    const without = connect({ host: '127.0.0.1', port: listener.port, ca: authority.ca });
    without.on('error', () => {});
    await closed(without);
    assert.deepEqual(told, ['proxy-header-invalid 127.0.0.1']);
  });

  it('takes a PROXY header and the TLS hello in one piece', async (t) => {
    const { listener, acceptor } = await open(t, { proxyProtocol: { trustedNetworks: ['127.0.0.1'] } });
    const raw = connectTcp(listener.port, '127.0.0.1');
    await once(raw, 'connect');
    raw.cork();
    raw.write('PROXY TCP4 203.0.113.7 10.0.0.1 40000 8883\r\n');
    const client = connect({ socket: raw, ca: authority.ca, host: '127.0.0.1' });
    setImmediate(() => raw.uncork());
    client.write('hello');
    await (await acceptor.connection()).untilText('hello');
    client.destroy();
  });
});

describe('client certificates', () => {
  it('are in the peer when an authority that is trusted signed them', async (t) => {
    for (const requestClientCertificate of ['optional', 'required'] as const) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const { acceptor, dial } = await open(t, { ca: authority.ca, requestClientCertificate });
        dial({ ...sensor, maxVersion });
        const { peer } = await acceptor.connection();
        assert.deepEqual(peer.certificate, {
          commonName: 'sensor-7',
          subjectAltName: 'DNS:sensor-7',
          fingerprint: new X509Certificate(sensor.cert).fingerprint256,
        });
      }
    }
  });

  it('that are optional may be missing or not verified, and then count for nothing', async (t) => {
    const { acceptor, dial } = await open(t, { ca: authority.ca, requestClientCertificate: 'optional' });
    dial();
    assert.equal((await acceptor.connection()).peer.certificate, undefined);
    dial({ ...strangeSensor });
    assert.equal((await acceptor.connection(1)).peer.certificate, undefined);
  });

  it('that are required must be there and verified', async (t) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const required = { ca: authority.ca, requestClientCertificate: 'required' } as const;
      const { acceptor, dial, told } = await open(t, required);
      await closed(dial({ maxVersion }));
      await until('it was told', () => told.length === 1);
      await closed(dial({ ...strangeSensor, maxVersion }));
      await until('it was told', () => told.length === 2);
      assert.deepEqual(told, ['certificate-refused 127.0.0.1', 'certificate-refused 127.0.0.1'], maxVersion);
      assert.equal(acceptor.connections.length, 0);
    }
  });

  it('need an authority to verify them', async () => {
    for (const ca of [{}, { ca: '' }, { ca: 'nonsense' }]) {
      const options = { ...LOCAL, ...server, ...ca, requestClientCertificate: 'optional' } as const;
      await assert.rejects(listenTls(new RecordingAcceptor(), options), { code: 'CONFIG_INVALID' });
    }
  });
});

describe('server certificates', () => {
  it('are chosen by the name that the client asks for', async (t) => {
    const exact = await authority.issueServer('mqtt.example.org');
    const wild = await authority.issueServer('*.devices.example.org');
    const { dial, acceptor } = await open(t, {
      sni: { 'MQTT.example.org': exact, '*.devices.example.org': wild },
    });
    const shown = async (servername: string): Promise<string | undefined> => {
      const client = dial({ servername });
      await once(client, 'secureConnect');
      return client.getPeerCertificate().serialNumber;
    };
    assert.equal(await shown('mqtt.example.org'), serialOf(exact));
    assert.equal(await shown('a.devices.example.org'), serialOf(wild));
    // Names that are not known get the server's own, which these clients would not accept.
    const unknown = dial({ servername: 'b.a.devices.example.org', rejectUnauthorized: false });
    await once(unknown, 'secureConnect');
    assert.equal(unknown.getPeerCertificate().serialNumber, serialOf(server));
    await acceptor.connection(2);
  });

  it('of a name still ask for the client certificate', async (t) => {
    const exact = await authority.issueServer('mqtt.example.org');
    const required = { ca: authority.ca, requestClientCertificate: 'required' } as const;
    const { dial, acceptor, told } = await open(t, { ...required, sni: { 'mqtt.example.org': exact } });
    dial({ servername: 'mqtt.example.org', ...sensor });
    assert.equal((await acceptor.connection()).peer.certificate?.commonName, 'sensor-7');
    await closed(dial({ servername: 'mqtt.example.org', ...strangeSensor }));
    await until('it was told', () => told.length === 1);
  });

  it('are replaced for new connections while old ones go on', async (t) => {
    const { dial, acceptor, listener } = await open(t, { sni: { 'mqtt.example.org': server } });
    const before = dial();
    before.write('before');
    await (await acceptor.connection()).untilText('before');
    assert.equal(before.getPeerCertificate().serialNumber, serialOf(server));
    const renewed = await authority.issueServer('localhost', '127.0.0.1');
    const named = await authority.issueServer('mqtt.example.org');
    listener.reload({ ...renewed, sni: { 'mqtt.example.org': named } });
    const after = dial();
    await once(after, 'secureConnect');
    assert.equal(after.getPeerCertificate().serialNumber, serialOf(renewed));
    const byName = dial({ servername: 'mqtt.example.org' });
    await once(byName, 'secureConnect');
    assert.equal(byName.getPeerCertificate().serialNumber, serialOf(named));
    before.write(' and after');
    await acceptor.connections[0]?.untilText('before and after');
  });

  it('stay when what should replace them cannot be used', async (t) => {
    const { dial, listener } = await open(t);
    const other = await authority.issueServer('localhost', '127.0.0.1');
    const bad = [
      { cert: 'nonsense', key: other.key },
      { cert: other.cert, key: '' },
      { cert: '', key: other.key },
      { cert: other.cert, key: server.key },
      { ...other, sni: { 'mqtt.example.org': { cert: other.cert, key: server.key } } },
    ];
    for (const material of bad) assert.throws(() => listener.reload(material), { code: 'CONFIG_INVALID' });
    assert.throws(() => listener.reload(bad[4] ?? server), /mqtt\.example\.org/);
    const client = dial();
    await once(client, 'secureConnect');
    assert.equal(client.getPeerCertificate().serialNumber, serialOf(server));
  });

  it('withdraw trust in an authority also from clients that come back with a session ticket', async (t) => {
    const optional = { ca: authority.ca, requestClientCertificate: 'optional' } as const;
    const { dial, acceptor, listener } = await open(t, optional);
    const first = dial({ ...sensor });
    const [session] = (await once(first, 'session')) as [Buffer];
    assert.notEqual((await acceptor.connection()).peer.certificate, undefined);
    listener.reload({ ...server, ca: stranger.ca });
    const second = dial({ ...sensor, session });
    await once(second, 'secureConnect');
    assert.equal((await acceptor.connection(1)).peer.certificate, undefined);
  });

  it('that cannot be used do not begin to listen', async () => {
    const listening = listenTls(new RecordingAcceptor(), { ...LOCAL, cert: server.cert, key: sensor.key });
    await assert.rejects(listening, { code: 'CONFIG_INVALID' });
  });
});
