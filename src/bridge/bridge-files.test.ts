import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findOpenHttpListener } from '../config/http-listener.ts';
import { loadConfig } from '../config/load-config.ts';
import { formatMistake } from '../config/source-reading.ts';
import { recognizeBridgeFile } from './bridge-files.ts';
import { BRIDGE_CALLER_CONFIG } from './caller-config.ts';
import { BRIDGE_SERVER_CONFIG } from './server-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'recado-routes-'));
after(() => rmSync(folder, { recursive: true }));

const PING = '  - { route: GET /ping, request: a/request, response: a/response }\n';
const CALL = '  - { request: a/request, response: a/response, call: POST http://localhost:5001/ping }\n';

function gateway(text: string, environment: Record<string, string> = {}) {
  writeFileSync(join(folder, 'g.yaml'), text);
  return loadConfig(BRIDGE_SERVER_CONFIG, { file: 'g.yaml', folder, environment });
}

function agent(text: string) {
  writeFileSync(join(folder, 'a.yaml'), text);
  return loadConfig(BRIDGE_CALLER_CONFIG, { file: 'a.yaml', folder, environment: {} });
}

type Reading = ReturnType<typeof gateway> | ReturnType<typeof agent>;

function mistakes(reading: Reading): string[] {
  return reading.ok ? [] : reading.failure.map(formatMistake);
}

describe('gateway.yaml', () => {
  it('has defaults for all but the routes', () => {
    const reading = gateway(`routes:\n${PING}`);
    assert.ok(reading.ok, mistakes(reading).join('\n'));
    const { config } = reading.value;
    assert.equal(config.http.port, 5000);
    assert.equal(config.http.host, '127.0.0.1');
    assert.equal(config.broker, 'mqtt://localhost:1883');
    const { method, path } = config.routes[0]?.route ?? {};
    assert.deepEqual([method, path, config.routes[0]?.timeoutMs], ['GET', '/ping', 3000]);
    assert.equal(config.limits.maxInFlight, 1000);
    assert.deepEqual(findOpenHttpListener(config.http, 'the gateway'), []);
  });

  it('takes the broker of RECADO_BROKER before its own, and says what is wrong with it', () => {
    const reading = gateway(`broker: mqtt://one\nroutes:\n${PING}`, { RECADO_BROKER: 'mqtts://two' });
    assert.ok(reading.ok);
    assert.equal(reading.value.config.broker, 'mqtts://two');
    const unset = gateway(`broker: mqtt://one\nroutes:\n${PING}`, { RECADO_BROKER: '' });
    assert.equal(unset.ok && unset.value.config.broker, 'mqtt://one');
    const wrong = mistakes(gateway(`routes:\n${PING}`, { RECADO_BROKER: 'http://ann:secret@two' }));
    assert.match(wrong.join(), /^RECADO_BROKER: must be the address of an MQTT broker/);
    assert.ok(!wrong.join().includes('secret'));
  });

  it('says all that is wrong, with line and column, and the nearest word', () => {
    const text = [
      'http: { prot: 80 }',
      'routes:',
      '  - route: GIT /ping',
      '    request: api/+/request',
      '    timeoutMS: 3000',
      '    payload: { ask: "$bodi" }',
      '  - 7',
    ];
    assert.deepEqual(
      mistakes(gateway(text.join('\n'))).map((line) => line.replace(/ \(.*/, '')),
      [
        'g.yaml:1:9 http.prot: is not a key; did you mean port?',
        'g.yaml:5:5 routes[0].timeoutMS: is not a key; did you mean timeoutMs?',
        'g.yaml:3:5 routes[0].response: must be there',
        'g.yaml:7:5 routes[1]: must be a section with keys: route, request, response, payload, timeoutMs, reply, status, parallel',
        'g.yaml:3:12 routes[0].route: must be a method and a path, as GET /ping',
        'g.yaml:4:14 routes[0].request: must be a topic without + and #, as api/ping/request',
        'g.yaml:6:21 routes[0].payload.ask: "$bodi" refers to nothing: here are $body, $query, $params',
      ],
    );
  });

  it('says what is wrong only when routes are seen together', () => {
    const route = (text: string, more = '') => `  - { route: ${text}, request: a, response: b${more} }\n`;
    assert.deepEqual(
      mistakes(
        gateway(
          `routes:\n${route('GET /rooms/:id', ', payload: $params')}${route('GET /rooms/:name', ', payload: $params')}${route('POST /rooms/:id')}` +
            `${route('GET /healthz')}${route('GET /x/:id', ', payload: { room: $params.name }')}` +
            `  - { route: GET /loop, request: c, response: c }\n`,
        ),
      ),
      [
        'g.yaml:3:14 routes[1].route: is the same as routes[0]; keep one of them',
        'g.yaml:4:14 routes[2].route: has :id, and without a payload that holds it the question would not tell',
        'g.yaml:5:14 routes[3].route: is one by which the gateway tells of itself; choose another path',
        'g.yaml:6:60 routes[4].payload: refers to $params.name, but the path of the route has no :name',
        'g.yaml:7:47 routes[5].response: is the topic of the request too; answers need one of their own',
      ],
    );
  });

  it('takes a status that HTTP has, or where it stands', () => {
    const withStatus = (status: string) => gateway(`routes:\n${PING.replace(' }', `, status: ${status} }`)}`);
    for (const status of ['202', '$.status', '$status', '$request.code'])
      assert.ok(withStatus(status).ok, status);
    for (const status of ['101', '600', '"202"', '[200]', '$$x', '$body.x'])
      assert.equal(mistakes(withStatus(status)).length, 1, status);
  });

  it('says what is no YAML, no list, or not there', () => {
    assert.match(mistakes(gateway('routes: [')).join(), /^g\.yaml:1:\d+: this is not YAML/);
    assert.match(mistakes(gateway('routes: 7')).join(), /^g\.yaml:1:9 routes: must be a list/);
    assert.match(
      mistakes(gateway('routes: []')).join(),
      /^g\.yaml:1:9 routes: must be a list with at least one/,
    );
    assert.match(mistakes(gateway('')).join(), /^g\.yaml:1:1 routes: must be there/);
    assert.match(
      mistakes(gateway('routes:\n  - *none')).join(),
      /^g\.yaml:2:5 routes\[0\]: the alias \*none has no anchor &none before it$/,
    );
    const none = loadConfig(BRIDGE_SERVER_CONFIG, { file: 'none.yaml', folder, environment: {} });
    assert.deepEqual(mistakes(none), ['none.yaml: does not exist']);
  });

  it('is open to strangers only where it says so', () => {
    const open = gateway(`http: { host: 0.0.0.0 }\nroutes:\n${PING}`);
    assert.ok(open.ok);
    const [listener] = findOpenHttpListener(open.value.config.http, 'the gateway');
    assert.match(listener?.message ?? '', /^is 0\.0\.0\.0, so other machines reach the gateway/);
    for (const who of ['tokens: [0123456789abcdef]', 'trustedNetworks: [10.0.0.0/8]']) {
      const reading = gateway(`http: { host: 0.0.0.0, ${who} }\nroutes:\n${PING}`);
      assert.ok(reading.ok, mistakes(reading).join());
      assert.deepEqual(findOpenHttpListener(reading.value.config.http, 'the gateway'), [], who);
    }
  });
});

it('answers of one route are no requests of another, in either file', () => {
  const pairs = [
    ['x', 'y'],
    ['y', 'z'],
  ];
  const asked = pairs.map(([request, response], index) => ({ route: `GET /${index}`, request, response }));
  assert.deepEqual(mistakes(gateway(JSON.stringify({ routes: asked }))), [
    'g.yaml:1:55 routes[0].response: is the topic of routes[1].request too; answers need one of their own',
  ]);
  const loop = [...pairs, ['z', 'x']].map(([request, response]) => ({
    request,
    response,
    call: 'POST http://x/',
  }));
  assert.deepEqual(
    mistakes(agent(JSON.stringify({ routes: loop }))).map((line) => line.replace(/^\S+ /, '')),
    [1, 2, 0].map(
      (other, index) =>
        `routes[${index}].response: is the topic of routes[${other}].request too; answers need one of their own`,
    ),
  );
});

describe('agent.yaml', () => {
  it('has defaults, and reads the call', () => {
    const reading = agent(`routes:\n${CALL}`);
    assert.ok(reading.ok, mistakes(reading).join('\n'));
    const { call, timeoutMs, reply } = reading.value.config.routes[0] ?? {};
    assert.deepEqual(
      [call?.method, call?.url.href, timeoutMs, reply],
      ['POST', 'http://localhost:5001/ping', 5000, undefined],
    );
    assert.equal('group' in reading.value.config, false);
  });

  it('says what is wrong', () => {
    const text = `group: a/b\nroutes:\n${CALL}${CALL}  - { request: a, response: b, call: POST ftp://x, reply: $body }\n`;
    assert.deepEqual(
      mistakes(agent(text)).map((line) => line.replace(/ \(.*/, '')),
      [
        'a.yaml:1:8 group: must be a name without / + #',
        'a.yaml:5:38 routes[2].call: must be a method and an address, as POST http://localhost:5001/ping',
        'a.yaml:5:59 routes[2].reply: "$body" refers to nothing: here are $answer, $request, $status',
      ],
    );
    assert.deepEqual(mistakes(agent(`routes:\n${CALL}${CALL}`)), [
      'a.yaml:3:16 routes[1].request: is the topic of routes[0] too; each question would be answered twice',
    ]);
  });

  it('takes no address with a password, and no other words after it', () => {
    for (const call of [
      'POST http://ann:secret@x/',
      'POST',
      'http://x',
      'POST http://x/ now',
      'post http://x/',
      'GET http://x/:a/:a',
    ])
      assert.equal(
        mistakes(agent(`routes:\n  - { request: a, response: b, call: "${call}" }`)).length,
        1,
        call,
      );
  });
});

describe('recognizeBridgeFile', () => {
  it('tells the two kinds from each other and from other files', () => {
    const kindOf = (text: string) => {
      writeFileSync(join(folder, 'x.yaml'), text);
      return recognizeBridgeFile('x.yaml', folder);
    };
    assert.equal(kindOf(`routes:\n${PING}`), 'gateway');
    assert.equal(kindOf(`http: {}\nroutes:\n${CALL}`), 'gateway');
    assert.equal(kindOf(`routes:\n${CALL}`), 'agent');
    assert.equal(kindOf('http: { port: 5070 }'), undefined);
    assert.equal(kindOf('7'), undefined);
    assert.equal(recognizeBridgeFile('none.yaml', folder), undefined);
  });
});
