import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { before, describe, it, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { whyNoMosquitto } from '../helpers/mosquitto.ts';
import { findFreePorts } from '../helpers/hub-process.ts';
import { makeAuthority, type TestAuthority, type TestIdentity } from '../helpers/mqtt-certificates.ts';
import {
  comeIn,
  endOf,
  listen,
  passwordLines,
  refusalOf,
  say,
  TestFolder,
  urlOf,
  type Come,
} from '../helpers/mqtt-hub-rig.ts';
import { runProgram } from '../helpers/run-program.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const NOT_AUTHORIZED = 0x87;
const BAD_USER_NAME_OR_PASSWORD = 0x86;

let authority: TestAuthority;
let server: TestIdentity;
let lamp: TestIdentity;

before(async () => {
  authority = await makeAuthority();
  server = await authority.issueServer('127.0.0.1', 'localhost');
  lamp = await authority.issueClient('lamp');
});

type Tls = MutableConfig['mqtt']['tls'];

/** A hub with a TLS listener, and its folder. */
async function startSecureHub(
  t: TestContext,
  tls: Partial<Tls>,
  mqtt: Partial<MutableConfig['mqtt']> = {},
): Promise<{ hub: TestHub; folder: TestFolder; url: string }> {
  const folder = new TestFolder(t);
  const certFile = folder.write('hub.crt', server.cert);
  const keyFile = folder.write('hub.key', server.key);
  const caFile = folder.write('ca.crt', authority.ca);
  const hub = await startTestHub(t, (config) => {
    Object.assign(config.mqtt, mqtt);
    Object.assign(config.mqtt.tls, { enabled: true, port: 0, certFile, keyFile, caFile, ...tls });
  });
  const url = urlOf(hub.server, 'mqtt-tls');
  assert.match(url, /^mqtts:\/\/127\.0\.0\.1:\d+$/);
  return { hub, folder, url };
}

/** A client that trusts the hub's authority, with a certificate or without. */
function secure(identity?: TestIdentity, others: Come = {}): Come {
  return { ca: authority.ca, ...identity, ...others };
}

/** The fingerprint of the certificate that the hub shows now. */
async function shownBy(url: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: authority.ca });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

describe('MQTT over TLS', () => {
  it('brings messages to those who come without', async (t) => {
    const { hub, url } = await startSecureHub(t, {});
    const messages = await listen(await comeIn(t, urlOf(hub.server, 'mqtt')), 'a');
    await (await comeIn(t, url, secure())).publishAsync('a', '1', { qos: 1 });
    await until('the message has come', () => messages.length > 0);
  });

  it('serves mosquitto_sub', { skip: whyNoMosquitto() }, async (t) => {
    const { folder, url } = await startSecureHub(t, {});
    const client = await comeIn(t, url, secure());
    await client.publishAsync('kept/a', 'stays', { qos: 1, retain: true });
    const { port } = new URL(url);
    const tls = ['--cafile', folder.file('ca.crt')];
    const words = ['mosquitto_sub', '-h', 'localhost', '-p', port, ...tls, '-t', 'kept/#', '-v', '-C', '1'];
    assert.deepEqual(await runProgram(words), { end: 0, output: 'kept/a stays\n', errors: '' });
  });

  it('counts who speaks no TLS', async (t) => {
    const { hub, url } = await startSecureHub(t, {});
    await refusalOf(t, url.replace('mqtts:', 'mqtt:'));
    const { text } = await hub.call('GET', '/metrics');
    assert.match(text, /recado_mqtt_handshakes_refused_total{listener="mqtt-tls",reason="tls-failed"} 1\n/);
    assert.ok(hub.logged.some((line) => line.text.includes('to mqtt-tls from 127.0.0.1 was refused: tls-')));
  });

  it('shows other certificates to new clients when the files are others, if they are good', async (t) => {
    const { hub, folder, url } = await startSecureHub(t, {});
    const client = await comeIn(t, url, secure());
    const first = await shownBy(url);
    const other = await authority.issueServer('127.0.0.1');
    folder.write('hub.crt', other.cert);
    const isTold = () => hub.logged.some(({ text }) => text.includes('hub.key: is not the key of the first'));
    await until('the mistake is told', isTold);
    assert.equal(await shownBy(url), first);
    folder.write('hub.key', other.key);
    await until('the new certificate is shown', async () => (await shownBy(url)) !== first);
    await say(client, 'still', 'here');
    const { text } = await hub.call('GET', '/metrics');
    assert.match(text, /recado_mqtt_reloads_total{files="tls",outcome="ok"} 1\n/);
    assert.match(text, /recado_mqtt_reloads_total{files="tls",outcome="failed"} 1\n/);
  });

  it('names the port that is taken, and closes what was open', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { tcp } = await findFreePorts();
    await assert.rejects(startSecureHub(t, { port }, { port: tcp }), {
      code: 'PORT_IN_USE',
      message:
        `TCP port ${port} on 127.0.0.1 is in use by another program. Choose another with RECADO_MQTT_TLS_PORT, or ` +
        'mqtt.tls.port in the configuration.',
    });
    await startSecureHub(t, {}, { port: tcp });
  });
});

describe('certificates of clients', () => {
  it('are enough to come in while there is no password file', async (t) => {
    const tls = { clientCertificates: 'optional' } as const;
    const { url } = await startSecureHub(t, tls, { trustedNetworks: [] });
    await comeIn(t, url, secure(lamp));
    assert.equal(await refusalOf(t, url, secure()), NOT_AUTHORIZED);
    const stranger = await (await makeAuthority('Somebody')).issueClient('lamp');
    assert.equal(await refusalOf(t, url, secure(stranger)), NOT_AUTHORIZED);
  });

  it('are asked for before anything else where they are required', async (t) => {
    const { hub, url } = await startSecureHub(t, { clientCertificates: 'required' });
    await comeIn(t, url, secure(lamp));
    assert.notEqual(await refusalOf(t, url, secure()), 0);
    const isCounted = async () =>
      /{listener="mqtt-tls",reason="certificate-refused"} 1\n/.test((await hub.call('GET', '/metrics')).text);
    await until('it is counted', isCounted);
  });

  it('come beside a password where there is a password file', async (t) => {
    const passwordFile = new TestFolder(t).write('users', await passwordLines({ ann: 'secret' }));
    const rules = { passwordFile, trustedNetworks: [] };
    const { url } = await startSecureHub(t, { clientCertificates: 'required' }, rules);
    assert.equal(await refusalOf(t, url, secure(lamp)), NOT_AUTHORIZED);
    await comeIn(t, url, secure(lamp, { username: 'ann', password: 'secret' }));
  });
});

it('two listeners have different rules, and the access rules know the names of both', async (t) => {
  const files = new TestFolder(t);
  const passwordFile = files.write('users', await passwordLines({ ann: 'secret', lamp: 'its secret' }));
  const aclFile = files.write('acl', 'user ann\ntopic read lamps/#\nuser lamp\npattern write lamps/%u\n');
  const { hub, url } = await startSecureHub(
    t,
    { clientCertificates: 'required', certificateNames: true },
    { passwordFile, aclFile, trustedNetworks: [] },
  );
  const plain = urlOf(hub.server, 'mqtt');
  // Where certificates say who comes, what it says of itself is nothing.
  const byCertificate = await comeIn(t, url, secure(lamp, { username: 'ann', password: 'wrong' }));
  assert.equal(await refusalOf(t, plain), NOT_AUTHORIZED);
  assert.equal(await refusalOf(t, plain, { username: 'lamp' }), BAD_USER_NAME_OR_PASSWORD);
  const ann = await comeIn(t, plain, { username: 'ann', password: 'secret' });

  const messages = await listen(ann, 'lamps/#');
  await say(byCertificate, 'lamps/lamp', 'on');
  await until('the message has come', () => messages.length > 0);
  assert.deepEqual(messages, ['lamps/lamp on']);
  await assert.rejects(say(byCertificate, 'lamps/other', 'on'), /Not authorized/);

  // Its password is another one now, which is nothing to who came by certificate.
  const withPassword = await comeIn(t, plain, { username: 'lamp', password: 'its secret' });
  const isGone = endOf(withPassword);
  files.write('users', await passwordLines({ ann: 'secret', lamp: 'another secret' }));
  await Promise.all([
    isGone,
    until('the rules are new', () => hub.logged.some(({ text }) => text.startsWith('new access'))),
  ]);
  await say(byCertificate, 'lamps/lamp', 'off');
});
