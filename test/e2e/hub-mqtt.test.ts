import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { findFreePorts } from '../helpers/hub-process.ts';
import { whyNoMosquitto } from '../helpers/mosquitto.ts';
import {
  comeIn,
  findLimits,
  endOf,
  listen,
  passwordLines,
  refusalOf,
  say,
  TestFolder,
  urlOf,
} from '../helpers/mqtt-hub-rig.ts';
import { plainEnvironment, runProgram } from '../helpers/run-program.ts';
import { ROOT } from '../helpers/source-files.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const MAIN = join(ROOT, 'src/cli/main.ts');
const NOT_AUTHORIZED = 0x87;
const BAD_USER_NAME_OR_PASSWORD = 0x86;
const SERVER_SHUTTING_DOWN = 0x8b;
const ADMINISTRATIVE_ACTION = 0x98;
const ANN = { username: 'ann', password: 'ann’s secret' };
const BOB = { username: 'bob', password: 'bob’s secret' };

const users = (...people: (typeof ANN)[]): Promise<string> =>
  passwordLines(Object.fromEntries(people.map(({ username, password }) => [username, password])));

describe('the MQTT of a hub', () => {
  it('brings messages of each version from TCP and WebSocket to each other', async (t) => {
    const { server } = await startTestHub(t);
    const urls = [urlOf(server, 'mqtt'), urlOf(server, 'mqtt-websocket')];
    assert.match(urls[1] ?? '', /^ws:\/\/127\.0\.0\.1:\d+\/mqtt$/);
    for (const [index, url] of urls.entries()) {
      for (const protocolVersion of [3, 4, 5] as const) {
        const protocolId = protocolVersion === 3 ? 'MQIsdp' : 'MQTT';
        const here = await comeIn(t, url, { protocolVersion, protocolId, clientId: 'here' });
        const there = await comeIn(t, urls[1 - index] ?? '');
        const messages = await listen(there, 'room/+');
        await here.publishAsync('room/1', 'olá', { qos: 2 });
        await until('the message has come', () => messages.length > 0);
        assert.deepEqual(messages, ['room/1 olá']);
      }
    }
  });

  it('serves mosquitto_pub and mosquitto_sub', { skip: whyNoMosquitto() }, async (t) => {
    const hub = await startTestHub(t);
    const port = String(hub.mqttPort);
    await runProgram(['mosquitto_pub', '-p', port, '-t', 'kept/a', '-m', 'stays', '-r', '-q', '1']);
    const words = ['mosquitto_sub', '-p', port, '-V', 'mqttv5', '-t', 'kept/#', '-v', '-C', '1'];
    assert.deepEqual(await runProgram(words), { end: 0, output: 'kept/a stays\n', errors: '' });
  });

  it('is there for the program that has the hub', async (t) => {
    const { server } = await startTestHub(t);
    const client = await comeIn(t, urlOf(server, 'mqtt'));
    const messages = await listen(client, 'from/hub');
    assert.equal(server.hub.broker?.publish({ topicName: 'from/hub', payload: 'hello' }), 1);
    await until('the message has come', () => messages.length > 0);
  });

  it('has the limits of the configuration', async (t) => {
    const { server } = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { maximumQos: 1, serverKeepAlive: 7, maxSessions: 1, responseInformation: 'r/' });
    });
    const url = urlOf(server, 'mqtt');
    const asks = { properties: { requestResponseInformation: true }, clientId: 'one' };
    const limits = await findLimits(t, url, asks);
    assert.deepEqual([limits?.maximumQoS, limits?.serverKeepAlive], [1, 7]);
    assert.equal(limits?.responseInformation, 'r/');
    const QUOTA_EXCEEDED = 0x97;
    assert.equal(await refusalOf(t, url, { clientId: 'two' }), QUOTA_EXCEEDED);
  });

  it('is not there when it is off', async (t) => {
    const hub = await startTestHub(t, ({ mqtt }) => void (mqtt.enabled = false));
    const { server, url } = hub;
    assert.equal(server.hub.broker, undefined);
    assert.ok(server.listening.every(({ name }) => !name.startsWith('mqtt')));
    assert.equal(await statusOf(`${url}/mqtt`, webSocketHeaders()), 404);
    assert.doesNotMatch((await hub.call('GET', '/metrics')).text, /recado_mqtt/);
  });

  it('is heard over a Unix socket, and who may open it needs no password', async (t) => {
    const folder = new TestFolder(t);
    const unixSocket = folder.file('mqtt.sock');
    const passwordFile = folder.write('users', await users(ANN));
    const { server } = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { unixSocket, passwordFile, trustedNetworks: [] });
    });
    assert.equal(urlOf(server, 'mqtt-unix'), `mqtt+unix:${unixSocket}`);
    assert.equal(statSync(unixSocket).mode & 0o777, 0o600, 'whatever the umask');
    const messages = await listen(await comeIn(t, 'mqtt://unix:1', { socketPath: unixSocket }), 'a');
    await (await comeIn(t, urlOf(server, 'mqtt'), ANN)).publishAsync('a', '1', { qos: 1 });
    await until('the message has come', () => messages.length > 0);
  });

  it('takes the address from the PROXY protocol, and only from a trusted proxy', async (t) => {
    const { server } = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { proxyProtocolNetworks: ['127.0.0.1'], trustedNetworks: ['10.0.0.0/8'] });
    });
    const url = urlOf(server, 'mqtt');
    await comeIn(t, url, { before: 'PROXY TCP4 10.1.2.3 127.0.0.1 5 6\r\n' });
    const away = { before: 'PROXY TCP4 192.0.2.7 127.0.0.1 5 6\r\n' };
    assert.equal(await refusalOf(t, url, away), NOT_AUTHORIZED);
    const elsewhere = await startTestHub(t, ({ mqtt }) => {
      mqtt.proxyProtocolNetworks = ['10.0.0.1'];
    });
    assert.notEqual(await refusalOf(t, urlOf(elsewhere.server, 'mqtt'), away), 0);
    assert.match(
      (await elsewhere.call('GET', '/metrics')).text,
      /{listener="mqtt",reason="proxy-untrusted"} 1/,
    );
  });
});

describe('who may come in', () => {
  it('is everybody from a trusted network, and nobody else, while there is no password file', async (t) => {
    const trusting = await startTestHub(t);
    await comeIn(t, urlOf(trusting.server, 'mqtt'), { username: 'anything' });
    const hub = await startTestHub(t, ({ mqtt }) => {
      mqtt.trustedNetworks = mqtt.webSocket.trustedNetworks = ['10.0.0.0/8'];
    });
    for (const name of ['mqtt', 'mqtt-websocket']) {
      const url = urlOf(hub.server, name);
      assert.equal(await refusalOf(t, url), NOT_AUTHORIZED);
      assert.equal(await refusalOf(t, url, ANN), NOT_AUTHORIZED);
      assert.equal(await refusalOf(t, url, { protocolVersion: 4 }), 5);
    }
    assert.ok(hub.logged.some(({ text }) => text.includes('name its network in mqtt.trustedNetworks')));
  });

  it('is who proves a user name, while there is one', async (t) => {
    const passwordFile = new TestFolder(t).write('users', await users(ANN));
    const { server } = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { passwordFile, trustedNetworks: [] });
      mqtt.webSocket.trustedNetworks = [];
    });
    for (const name of ['mqtt', 'mqtt-websocket']) {
      const url = urlOf(server, name);
      await comeIn(t, url, ANN);
      assert.equal(await refusalOf(t, url, { ...ANN, password: 'guessed' }), BAD_USER_NAME_OR_PASSWORD);
      assert.equal(await refusalOf(t, url, { ...ANN, password: 'guessed', protocolVersion: 4 }), 4);
      assert.equal(await refusalOf(t, url, BOB), BAD_USER_NAME_OR_PASSWORD);
      assert.equal(await refusalOf(t, url), NOT_AUTHORIZED);
      assert.equal(await refusalOf(t, url, { protocolVersion: 4 }), 5);
    }
  });

  it('is also who comes from a trusted network without a user name, but not with a false one', async (t) => {
    const passwordFile = new TestFolder(t).write('users', await users(ANN));
    const { server } = await startTestHub(t, ({ mqtt }) => void (mqtt.passwordFile = passwordFile));
    const url = urlOf(server, 'mqtt');
    await comeIn(t, url);
    assert.equal(await refusalOf(t, url, { username: 'ann' }), BAD_USER_NAME_OR_PASSWORD);
  });

  it('is whoever recado passwd lets in', async (t) => {
    const folder = new TestFolder(t);
    const child = spawn(process.execPath, [MAIN, 'passwd', folder.file('users'), 'ann'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    child.stdin.end(`${ANN.password}\n`);
    await once(child, 'exit');
    const { server } = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { passwordFile: folder.file('users'), trustedNetworks: [] });
    });
    await comeIn(t, urlOf(server, 'mqtt'), ANN);
  });

  it('is everybody where the hub is insecure and nothing says who may', async (t) => {
    // A spelling of loopback that the system knows and the check does not: nothing is open in truth.
    const host = '0x7f000001';
    const open = await startTestHub(t, (config) => {
      config.insecure = true;
      Object.assign(config.mqtt, { host, trustedNetworks: [] });
      config.mqtt.webSocket.trustedNetworks = [];
    });
    await comeIn(t, `mqtt://127.0.0.1:${open.mqttPort}`);
    assert.ok(open.logged.some(({ text }) => text.startsWith('INSECURE: mqtt.host is 0x7f000001, so other')));
    const passwordFile = new TestFolder(t).write('users', await users(ANN));
    // On the port of an API that is not open, nothing warned that it would be.
    assert.equal(await refusalOf(t, urlOf(open.server, 'mqtt-websocket')), NOT_AUTHORIZED);
    const openApi = (mqtt: Partial<MutableConfig['mqtt']>): Promise<TestHub> =>
      startTestHub(t, (config) => {
        config.insecure = true;
        config.http.host = host;
        Object.assign(config.mqtt, mqtt);
        config.mqtt.webSocket.trustedNetworks = config.mqtt.trustedNetworks;
      });
    const both = await openApi({ trustedNetworks: [] });
    await comeIn(t, urlOf(both.server, 'mqtt-websocket'));
    const withRules = await openApi({ trustedNetworks: ['10.0.0.0/8'] });
    assert.equal(await refusalOf(t, urlOf(withRules.server, 'mqtt-websocket')), NOT_AUTHORIZED);
    const closed = await startTestHub(t, (config) => {
      config.insecure = true;
      Object.assign(config.mqtt, { host, trustedNetworks: [], passwordFile });
    });
    assert.equal(await refusalOf(t, `mqtt://127.0.0.1:${closed.mqttPort}`), NOT_AUTHORIZED);
  });
});

describe('the access rules', () => {
  const ACL = 'user ann\ntopic readwrite house/#\nuser bob\ntopic read house/hall\n';

  it('hold for each user, and others take their place while the hub runs', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('users', await users(ANN, BOB));
    const aclFile = folder.write('acl', ACL);
    const hub = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { passwordFile, aclFile, trustedNetworks: [] });
    });
    const url = urlOf(hub.server, 'mqtt');
    const [ann, bob] = [await comeIn(t, url, ANN), await comeIn(t, url, BOB)];
    const heard = await listen(bob, 'house/+');
    for (const room of ['safe', 'hall']) await say(ann, `house/${room}`, '1');
    await until('bob hears of the hall', () => heard.length > 0);
    assert.deepEqual(heard, ['house/hall 1']);
    await assert.rejects(say(bob, 'house/hall', '1'), /Not authorized/);

    folder.write('acl', `${ACL}topic readwrite house/safe\n`);
    await until('the rules are new', () =>
      hub.logged.some(({ text }) => text.startsWith('new access rules')),
    );
    await say(bob, 'house/safe', '2');
    await until('bob hears of the safe', () => heard.length > 1);
    assert.deepEqual(heard, ['house/hall 1', 'house/safe 2']);

    folder.write('acl', 'user ann\ntopik house/#\n');
    const isTold = () => hub.logged.some(({ text }) => text.includes('acl:2: "topik" begins no rule'));
    await until('the mistake is told', isTold);
    await say(bob, 'house/safe', '3');
    const metrics = (await hub.call('GET', '/metrics')).text;
    assert.match(metrics, /recado_mqtt_reloads_total{files="access",outcome="ok"} 1\n/);
    assert.match(metrics, /recado_mqtt_reloads_total{files="access",outcome="failed"} 1\n/);
    assert.match(metrics, /recado_mqtt_publish_messages_denied_total 1\n/);
  });

  it('send users away that are gone, and leave the others alone', async (t) => {
    const folder = new TestFolder(t);
    const [annLine, bobLine] = [await users(ANN), await users(BOB)];
    const passwordFile = folder.write('users', annLine + bobLine);
    const { server } = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { passwordFile, trustedNetworks: [] });
    });
    const url = urlOf(server, 'mqtt');
    const [ann, bob] = [await comeIn(t, url, ANN), await comeIn(t, url, BOB)];
    const bobEnds = endOf(bob);
    const away = await comeIn(t, url, { ...BOB, clientId: 'away', clean: false, protocolVersion: 4 });
    await away.endAsync();
    const ids = () => [...server.hub.mqtt!.broker.sessions()].map(({ client }) => client.clientId);
    await until('its session waits', () => ids().includes('away'));
    folder.write('users', annLine);
    assert.equal(await bobEnds, ADMINISTRATIVE_ACTION);
    await until(
      'no session of bob is left',
      () => !ids().includes('away') && !ids().includes(bob.options.clientId!),
    );
    assert.equal(await refusalOf(t, url, BOB), BAD_USER_NAME_OR_PASSWORD);
    await say(ann, 'still', 'here');
  });
});

type Headers = Readonly<Record<string, string>>;

function webSocketHeaders(others: Headers = {}): Headers {
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
  const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'mqtt' };
  return { ...upgrade, ...key, ...others };
}

/** The status of the answer to a GET; 101 for an upgrade. */
async function statusOf(url: string, headers: Headers): Promise<number> {
  const asked = request(url, { headers }).end();
  return new Promise((resolve, reject) => {
    asked.once('upgrade', ({ statusCode = 0 }, socket) => {
      socket.destroy();
      resolve(statusCode);
    });
    asked.once('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('error', reject);
  });
}

describe('WebSocket on the HTTP port', () => {
  it('leaves other requests as they were, also those that offer another protocol', async (t) => {
    const { url } = await startTestHub(t);
    assert.equal(await statusOf(`${url}/mqtt`, webSocketHeaders()), 101);
    assert.equal(await statusOf(`${url}/mqtt?query`, webSocketHeaders()), 101);
    assert.equal(await statusOf(`${url}/mqtt`, {}), 404);
    assert.equal(await statusOf(`${url}/elsewhere`, webSocketHeaders()), 404);
    const http2 = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
    assert.equal(await statusOf(`${url}/healthz`, http2), 200);
  });

  it('is not for pages of other sites, nor for those whose name was made to lead here', async (t) => {
    const hub = await startTestHub(t, ({ mqtt, http }) => {
      mqtt.webSocket.allowedOrigins = ['https://panel.example.org'];
      http.hostNames = ['hub.example.org'];
    });
    const { url } = hub;
    const { host } = new URL(url);
    const page = (origin: string, at = host) =>
      statusOf(`${url}/mqtt`, webSocketHeaders({ origin, host: at }));
    assert.equal(await page(`http://${host}`), 101);
    assert.equal(await page('https://panel.example.org'), 101);
    assert.equal(await page('https://hub.example.org', 'hub.example.org'), 101);
    assert.equal(await page('https://evil.example'), 403);
    assert.equal(await page('http://evil.example', 'evil.example'), 403);
    const { text } = await hub.call('GET', '/metrics');
    assert.match(text, /{listener="mqtt-websocket",reason="origin-forbidden"} 2\n/);
  });

  it('may have another path, or be off', async (t) => {
    const { url } = await startTestHub(t, ({ mqtt }) => void (mqtt.webSocket.path = '/broker/ws'));
    assert.equal(await statusOf(`${url}/broker/ws`, webSocketHeaders()), 101);
    assert.equal(await statusOf(`${url}/mqtt`, webSocketHeaders()), 404);
    const off = await startTestHub(t, ({ mqtt }) => void (mqtt.webSocket.enabled = false));
    assert.equal(await statusOf(`${off.url}/mqtt`, webSocketHeaders()), 404);
  });
});

it('/metrics count what the broker does', async (t) => {
  const hub = await startTestHub(t, ({ mqtt, services, gateways }) => {
    mqtt.sysTopicIntervalMs = 0;
    // These have subscriptions of their own.
    services.enabled = false;
    gateways.mqtt.enabled = false;
    gateways.homeAssistant.enabled = false;
  });
  const client = await comeIn(t, urlOf(hub.server, 'mqtt'), { properties: { maximumPacketSize: 500 } });
  const messages = await listen(client, 'counted');
  await client.publishAsync('counted', 'x'.repeat(1000), { qos: 1 });
  await client.publishAsync('counted', 'kept', { qos: 1, retain: true });
  await until('the message has come', () => messages.length > 0);
  const { text } = await hub.call('GET', '/metrics');
  assert.match(text, /^# TYPE process_cpu_seconds_total counter$/mu);
  assert.doesNotMatch(text, /^# TYPE \S+_total gauge$/mu);
  for (const line of [
    'recado_mqtt_connections_accepted_total 1',
    'recado_mqtt_publish_messages_received_total 2',
    'recado_mqtt_publish_messages_sent_total 1',
    'recado_mqtt_publish_messages_dropped_total{reason="packet-too-large"} 1',
    'recado_mqtt_publish_messages_dropped_total{reason="queue-full"} 0',
    'recado_mqtt_connections_count 1',
    'recado_mqtt_clients_connected 1',
    'recado_mqtt_clients 1',
    'recado_mqtt_subscriptions_count 1',
    'recado_mqtt_retained_messages_count 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});

describe('the end of a hub', () => {
  type Ready = { listening: { name: string; address: string }[] };

  async function startProcess(t: TestContext): Promise<{ urls: string[]; end: () => Promise<number> }> {
    const ports = ['http', 'tcp', 'udp', 'mqtt'].flatMap((name) => [`--${name}-port`, '0']);
    const child = spawn(process.execPath, [MAIN, 'hub', '--log-level', 'silent', ...ports], {
      cwd: new TestFolder(t).path,
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    t.after(() => child.kill('SIGKILL'));
    const [ready] = (await once(child, 'message')) as [Ready];
    const end = async (): Promise<number> => {
      child.kill('SIGTERM');
      const [code] = (await once(child, 'close')) as [number];
      return code;
    };
    return { urls: ['mqtt', 'mqtt-websocket'].map((name) => urlOf(ready, name)), end };
  }

  it('by SIGTERM is told to all clients with 0x8B', async (t) => {
    const { urls, end } = await startProcess(t);
    const clients = await Promise.all(urls.map((url) => comeIn(t, url)));
    const ends = clients.map(endOf);
    assert.equal(await end(), 0);
    assert.deepEqual(await Promise.all(ends), [SERVER_SHUTTING_DOWN, SERVER_SHUTTING_DOWN]);
  });

  it('waits neither for a client that does not read nor for one that never said who it is', async (t) => {
    const { server } = await startTestHub(t, ({ mqtt }) => void (mqtt.lingerMs = 50));
    const deaf = await comeIn(t, urlOf(server, 'mqtt-websocket'));
    deaf.stream.pause();
    await comeIn(t, urlOf(server, 'mqtt'));
    const { hostname, port } = new URL(urlOf(server, 'mqtt'));
    const silent = connect(Number(port), hostname);
    await once(silent, 'connect');
    assert.equal(await server.close(), true);
    assert.equal(server.hub.broker?.counts.connections, 0);
    silent.destroy();
  });
});

describe('a hub whose MQTT cannot start', () => {
  it('names the port that is taken, the flag and the key, and leaves nothing open', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { tcp } = await findFreePorts();
    const start = (mqttPort: number): Promise<unknown> =>
      startTestHub(t, ({ gateways, mqtt }) => {
        gateways.socket.tcpPort = tcp;
        mqtt.port = mqttPort;
      });
    await assert.rejects(start(port), {
      code: 'PORT_IN_USE',
      message:
        `TCP port ${port} on 127.0.0.1 is in use by another program. Choose another with --mqtt-port, or mqtt.port in ` +
        'the configuration.',
    });
    await start(0);
  });

  it('tells all that is wrong in its files, as recado check does', async (t) => {
    const folder = new TestFolder(t);
    folder.write('users', 'ann:secret\n');
    folder.write('acl', '# rules\ntopic read\n');
    folder.write('hub.crt', 'nothing');
    folder.write(
      'recado.yaml',
      'mqtt: {passwordFile: users, aclFile: acl, tls: {enabled: true, port: 0, certFile: hub.crt, keyFile: hub.key}}\n',
    );
    const lines = [
      /^users:1: "ann" .*; write the line anew with "recado passwd FILE USER"$/,
      /^acl:2: names no topic; write "topic read TOPIC"$/,
      /^hub\.crt: has no certificate in PEM$/,
      /^hub\.key: does not exist$/,
    ];
    const check = await runProgram([process.execPath, MAIN, 'check'], { cwd: folder.path });
    const hub = await runProgram([process.execPath, MAIN, 'hub', '--http-port', '0', '--mqtt-port', '0'], {
      cwd: folder.path,
      env: { RECADO_GATEWAYS_SOCKET_ENABLED: 'false' },
    });
    assert.deepEqual([check.end, hub.end], [2, 2]);
    const told = hub.errors.trimEnd().split('\n');
    assert.equal(
      told.shift(),
      'recado: the hub did not start, because files of its configuration are wrong:',
    );
    for (const said of [check.errors.trimEnd().split('\n'), told.map((line) => line.trim())]) {
      assert.equal(said.length, lines.length, said.join('\n'));
      for (const [index, line] of lines.entries()) assert.match(said[index] ?? '', line);
    }
  });
});
