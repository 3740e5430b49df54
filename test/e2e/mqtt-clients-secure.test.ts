import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { recadoWords } from '../helpers/hub-process.ts';
import { makeAuthority } from '../helpers/mqtt-certificates.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';

const TLS_SETTINGS = [
  'cafile %FOLDER%/ca.pem',
  'certfile %FOLDER%/server.pem',
  'keyfile %FOLDER%/server.key',
  'allow_anonymous true',
];

/** Publishes a retained message and reads it again. */
async function roundTrip(flags: readonly string[], topic: string): Promise<[ProgramEnd, ProgramEnd]> {
  const published = await runProgram(
    recadoWords('pub', ...flags, '-t', topic, '-m', 'secret', '-q', '1', '-r'),
  );
  const subscribed = await runProgram(recadoWords('sub', ...flags, '-t', topic, '-C', '1', '-W', '10'));
  return [published, subscribed];
}

describe('recado pub and recado sub with TLS and WebSockets', { skip: whyNoMosquitto() }, () => {
  const brokers: Mosquitto[] = [];
  const bridges: HttpServer[] = [];
  let tls: Mosquitto;
  let mutual: Mosquitto;
  let webSocketPort: number;
  let secureWebSocketPort: number;
  let file: (name: string) => string;

  before(async () => {
    const authority = await makeAuthority();
    const server = await authority.issueServer('broker.example', '127.0.0.1');
    const elsewhere = await authority.issueServer('elsewhere.example');
    const client = await authority.issueClient('ana');
    const files = {
      'ca.pem': authority.ca,
      'server.pem': server.cert,
      'server.key': server.key,
      'elsewhere.pem': elsewhere.cert,
      'elsewhere.key': elsewhere.key,
      'client.pem': client.cert,
      'client.key': client.key,
    };
    const start = async (settings: readonly string[]): Promise<Mosquitto> => {
      const broker = new Mosquitto({ settings, files });
      brokers.push(broker);
      return broker.start();
    };
    tls = await start(TLS_SETTINGS);
    mutual = await start([...TLS_SETTINGS, 'require_certificate true', 'use_identity_as_username true']);
    const plain = await start(['allow_anonymous true']);
    webSocketPort = await startWebSocketBridge(createHttpServer(), plain.port);
    secureWebSocketPort = await startWebSocketBridge(createHttpsServer(server), plain.port);
    file = (name) => join(tls.folder, name);
  });
  after(async () => {
    for (const bridge of bridges) bridge.close();
    await Promise.all(brokers.map((broker) => broker.remove()));
  });

  /** Mosquitto's own WebSockets do not start on every machine: this carries bytes to its plain port. */
  async function startWebSocketBridge(server: HttpServer, port: number): Promise<number> {
    const handleProtocols = (protocols: Set<string>): string | false => protocols.has('mqtt') && 'mqtt';
    const bridge = new WebSocketServer({ server, path: '/mqtt', handleProtocols });
    bridges.push(server);
    bridge.on('connection', (webSocket) => {
      const stream = createWebSocketStream(webSocket);
      pipeline(stream, connect(port, '127.0.0.1'), stream, () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  const expectRoundTrip = async (flags: readonly string[]): Promise<void> => {
    const [published, subscribed] = await roundTrip(flags, 'secure');
    assert.deepEqual([published.end, published.errors], [0, '']);
    assert.deepEqual(subscribed, { end: 0, output: 'secret\n', errors: '' });
  };

  it('--cafile connects with TLS', () =>
    expectRoundTrip(['-p', String(tls.port), '--cafile', file('ca.pem')]));

  it('-L connects with TLS where it begins with mqtts:', () =>
    expectRoundTrip(['-L', `mqtts://127.0.0.1:${tls.port}`, '--cafile', file('ca.pem')]));

  it('--cert and --key say who it is', async () => {
    const flags = ['-p', String(mutual.port), '--cafile', file('ca.pem')];
    await expectRoundTrip([...flags, '--cert', file('client.pem'), '--key', file('client.key')]);
    const { end, errors } = await runProgram(recadoWords('pub', ...flags, '-t', 'a', '-m', 'x'));
    assert.equal(end, 1);
    assert.match(
      errors,
      /^recado: cannot reach .* it wants a certificate of this client; give one, and its key .*\n$/,
    );
  });

  it('--capath, --tls-version, --ciphers and --tls-alpn', async () => {
    const folder = join(tls.folder, 'authorities');
    mkdirSync(folder);
    copyFileSync(file('ca.pem'), join(folder, 'ca.crt'));
    const at = ['-p', String(tls.port), '--capath', folder];
    await expectRoundTrip(at);
    await expectRoundTrip([...at, '--tls-version', 'tlsv1.2', '--ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256']);
    await expectRoundTrip([...at, '--tls-version', 'tlsv1.3', '--tls-alpn', 'mqtt']);
    const wrong = await runProgram(
      recadoWords('pub', ...at, '-t', 'a', '-m', 'x', '--tls-version', 'tlsv1.2', '--ciphers', 'PSK'),
    );
    assert.deepEqual([wrong.end, /cannot reach/.test(wrong.errors)], [1, true], wrong.errors);
  });

  it('--tls-use-os-certs trusts what the system trusts', async () => {
    const words = ['-p', String(tls.port), '--tls-use-os-certs', '-t', 'a', '-m', 'x'];
    const trusting = recadoWords('pub', ...words);
    const env = ['env', `SSL_CERT_FILE=${file('ca.pem')}`];
    assert.deepEqual(await runProgram([...env, ...trusting]), { end: 0, output: '', errors: '' });
    assert.equal((await runProgram(trusting)).end, 1);
  });

  it('--psk and --psk-identity connect without certificates', async (t) => {
    const broker = new Mosquitto({
      settings: ['allow_anonymous true', 'psk_hint house', 'psk_file %FOLDER%/keys'],
      files: { keys: 'ana:00a1b2c3d4e5f6\n' },
    });
    t.after(() => broker.remove());
    await broker.start();
    const flags = ['-p', String(broker.port), '--psk-identity', 'ana'];
    await expectRoundTrip([...flags, '--psk', '00A1b2c3d4e5f6']);
    const words = [...flags, '--psk', '00', '-t', 'a', '-m', 'x'];
    for (const command of [recadoWords('pub'), ['mosquitto_pub']])
      assert.notEqual((await runProgram([...command, ...words])).end, 0);
  });

  it('--psk proves nothing to who shows a certificate instead: that must be for the host', async (t) => {
    const settings = TLS_SETTINGS.map((line) => line.replace('server.', 'elsewhere.'));
    const broker = new Mosquitto({ settings });
    t.after(() => broker.remove());
    for (const name of ['ca.pem', 'elsewhere.pem', 'elsewhere.key'])
      copyFileSync(file(name), join(broker.folder, name));
    await broker.start();
    const pub = ({ port }: Mosquitto, ...flags: string[]) => {
      const key = ['--psk-identity', 'ana', '--psk', '00a1b2c3d4e5f6', '--cafile', file('ca.pem')];
      return runProgram(recadoWords('pub', '-p', String(port), ...key, '-t', 'a', '-m', 'x', ...flags));
    };
    const other = await pub(broker, '--ciphers', 'DEFAULT:PSK');
    assert.match(other.errors, /its certificate is for another host; use the name in the certificate/);
    assert.equal(other.end, 1);
    assert.equal((await pub(broker, '--ciphers', 'DEFAULT:PSK', '--insecure')).end, 0);
    assert.equal((await pub(tls, '--ciphers', 'DEFAULT:PSK')).end, 0);
    const newest = await pub(broker, '--tls-version', 'tlsv1.3');
    assert.match(
      newest.errors,
      /a shared key is for TLS 1\.2, .* leave the version out, or use certificates/,
    );
    assert.equal(newest.end, 2);
  });

  it('WebSockets work, with TLS too', async () => {
    await expectRoundTrip(['-L', `ws://127.0.0.1:${webSocketPort}/mqtt`]);
    await expectRoundTrip(['-L', `wss://127.0.0.1:${secureWebSocketPort}/mqtt`, '--cafile', file('ca.pem')]);
  });

  it('a certificate that nobody vouches for is refused', async () => {
    const { end, errors } = await runProgram(
      recadoWords('pub', '-L', `mqtts://127.0.0.1:${tls.port}/a`, '-m', 'x'),
    );
    assert.equal(end, 1);
    assert.match(errors, /its certificate is not one that is trusted here; name the certificate of its CA/);
  });

  it('a certificate for another host is refused, unless --insecure is given', async (t) => {
    const settings = TLS_SETTINGS.map((line) => line.replace('server.', 'elsewhere.'));
    const broker = new Mosquitto({ settings });
    t.after(() => broker.remove());
    for (const name of ['ca.pem', 'elsewhere.pem', 'elsewhere.key'])
      copyFileSync(file(name), join(broker.folder, name));
    await broker.start();
    const flags = ['-p', String(broker.port), '--cafile', file('ca.pem')];
    const { end, errors } = await runProgram(recadoWords('pub', ...flags, '-t', 'a', '-m', 'x'));
    assert.equal(end, 1);
    assert.match(errors, /its certificate is for another host; use the name in the certificate/);
    await expectRoundTrip([...flags, '--insecure']);
  });

  it('TLS where there is none is told', async () => {
    const flags = ['-p', String(webSocketPort), '--cafile', file('ca.pem')];
    const { end, errors } = await runProgram(recadoWords('pub', ...flags, '-t', 'a', '-m', 'x'));
    assert.equal(end, 1);
    assert.match(errors, /^recado: cannot reach the MQTT broker at mqtts:.*\n$/);
  });
});
