import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { openBrokerOnTcp, type BrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import {
  agentYaml,
  folderWith,
  gatewayUrl,
  gatewayYaml,
  startAgentProgram,
  startGatewayProgram,
  startRecado,
} from '../helpers/bridge-programs.ts';
import { findFreePorts, recadoWords } from '../helpers/hub-process.ts';
import { runProgram } from '../helpers/run-program.ts';
import { until } from '../helpers/until.ts';

const PONG = '{"response":{"message":"pong","received":{"ask":"ping"}}}';

async function openBroker(t: TestContext, port = 0): Promise<BrokerOnTcp> {
  const opened = await openBrokerOnTcp({}, port);
  t.after(opened.close);
  return opened;
}

/** API 2 in this process: what it has been asked waits in `asked` when it is not to answer by itself. */
async function openApi2(
  t: TestContext,
  { answers = true } = {},
): Promise<{ url: string; asked: ServerResponse[] }> {
  const asked: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    if (answers) response.end('{"message":"pong"}');
    else asked.push(response);
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function ping(url: string): Promise<{ status: number; text: string; retryAfter: string | null }> {
  const answer = await fetch(`${url}/ping`);
  return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
}

function runRecado(t: TestContext, files: Record<string, string>, ...words: readonly string[]) {
  return runProgram(recadoWords(...words), { cwd: folderWith(t, files) });
}

describe('a broker that is away', () => {
  it('is told to callers, and waited for by gateway and agent', async (t) => {
    const { tcp: port } = await findFreePorts();
    const broker = `mqtt://127.0.0.1:${port}`;
    const { url: api2 } = await openApi2(t);
    const gateway = startRecado(t, folderWith(t, { 'gateway.yaml': gatewayYaml({ broker }) }), 'gateway');
    const agentFolder = folderWith(t, { 'agent.yaml': agentYaml({ broker, api2 }) });
    const agent = startRecado(t, agentFolder, 'agent', '--config', 'agent.yaml');
    const url = await gatewayUrl(gateway);
    await until('the grace is over', async () => {
      const { status, text, retryAfter } = await ping(url);
      assert.deepEqual([status, retryAfter], [503, '1']);
      return text.includes('"code":"BROKER_OFFLINE"');
    });

    const first = await openBroker(t, port);
    await Promise.all([gateway, agent].map((each) => each.waitForLine('Connected with reason code 0')));
    assert.equal((await ping(url)).text, PONG);

    const marks = [gateway.mark(), agent.mark()];
    await first.close();
    await until('the loss is seen', async () => (await ping(url)).status === 503);
    await openBroker(t, port);
    await gateway.waitForLine('Connected with reason code 0', { after: marks[0] ?? 0 });
    await agent.waitForLine('Connected with reason code 0', { after: marks[1] ?? 0 });
    assert.equal((await ping(url)).text, PONG);
    for (const program of [gateway, agent]) {
      const timesTold = program.errorText.match(/BROKER_UNREACHABLE/g)?.length ?? 0;
      assert.ok(timesTold === 1 || timesTold === 2, 'at most once for each time it is away');
    }
  });
});

describe('SIGTERM', () => {
  it('lets a gateway answer who waits, and an agent what it has, before they end', async (t) => {
    const { url: broker } = await openBroker(t);
    const { url: api2, asked } = await openApi2(t, { answers: false });
    const gateway = await startGatewayProgram(t, gatewayYaml({ broker, timeoutMs: 60_000 }));
    const agent = await startAgentProgram(t, agentYaml({ broker, api2 }));
    const answer = ping(gateway.url);
    await until('API 2 is asked', () => asked.length === 1);
    agent.signal('SIGTERM');
    gateway.program.signal('SIGTERM');
    await until('both are stopping', () =>
      [agent, gateway.program].every(({ errorText }) => errorText.includes('"stopping"')),
    );
    asked[0]?.end('{"message":"pong"}');
    assert.equal((await answer).text, PONG);
    assert.deepEqual(await Promise.all([agent.exit(), gateway.program.exit()]), [0, 0]);
    assert.equal(agent.lines.at(-1)?.startsWith('request: {"ask": "ping"} -> response:'), true);
  });
});

describe('recado gateway', () => {
  it('says which port is taken, and how to choose another', async (t) => {
    const { url } = await openApi2(t);
    const { port } = new URL(url);
    const files = { 'gateway.yaml': gatewayYaml({ broker: 'mqtt://127.0.0.1:9' }) };
    const { end, errors } = await runRecado(t, files, 'gateway', '--http-port', port);
    assert.equal(end, 1);
    assert.match(errors, new RegExp(`TCP port ${port} on 127.0.0.1 is in use .* --http-port, or http.port`));
  });

  it('does not start where strangers could come in', async (t) => {
    const files = { 'gateway.yaml': gatewayYaml({ broker: 'mqtt://127.0.0.1:9' }) };
    const { end, errors } = await runRecado(t, files, 'gateway', '--host', '0.0.0.0');
    assert.equal(end, 2);
    assert.match(errors, /strangers could come in:\n {2}http\.host is 0\.0\.0\.0/);
  });

  it('takes the broker of the flag before the variable, and that before the file', async (t) => {
    const { url: broker } = await openBroker(t);
    const folder = folderWith(t, { 'gateway.yaml': gatewayYaml({ broker: 'mqtt://127.0.0.1:9' }) });
    const gateway = startRecado(t, folder, 'gateway', '--broker', broker, '--quiet');
    await gatewayUrl(gateway);
    await until('it is connected', () => gateway.errorText.includes('connected to the MQTT broker'));
    assert.deepEqual(gateway.lines, []);
  });
});

describe('wrong words and files', () => {
  const WRONG = 'routes:\n  - { route: GET /ping, request: a, response: b, timeoutMS: 1 }\n';
  const WRONG_LINE = /w\.yaml:2:50 routes\[0\]\.timeoutMS: is not a key; did you mean timeoutMs\?/;

  it('are told with line and column, by the programs and by recado check', async (t) => {
    for (const words of [
      ['gateway', '--config', 'w.yaml'],
      ['check', 'w.yaml'],
    ]) {
      const { end, errors } = await runRecado(t, { 'w.yaml': WRONG }, ...words);
      assert.equal(end, 2, words.join(' '));
      assert.match(errors, WRONG_LINE);
    }
  });

  it('are told where there is no file, or none that fits', async (t) => {
    const none = await runRecado(t, {}, 'gateway');
    assert.deepEqual([none.end, /gateway\.yaml: does not exist/.test(none.errors)], [2, true]);
    const agent = await runRecado(t, { 'w.yaml': WRONG }, 'agent', '--config', 'w.yaml');
    assert.equal(agent.end, 2);
    assert.match(agent.errors, /routes\[0\]\.route: is not a key/);
    const both = await runRecado(t, {}, 'agent', '--config', 'w.yaml', '--service', 'x=http://localhost:1');
    assert.equal(both.end, 2);
  });

  it('are not there: recado check says so, and prints without passwords', async (t) => {
    const broker = 'mqtt://ann:secret@127.0.0.1:9';
    const files = {
      'g.yaml': gatewayYaml({ broker }).replace('port: 0', 'port: 0, tokens: [0123456789abcdef]'),
      'a.yaml': agentYaml({ broker, api2: 'http://127.0.0.1:9' }),
    };
    for (const [file, kind] of [
      ['g.yaml', 'gateway'],
      ['a.yaml', 'agent'],
    ] as const) {
      const { end, output } = await runRecado(t, files, 'check', file, '--print');
      assert.equal(end, 0);
      assert.match(output, new RegExp(`^# ${file} is good, for recado ${kind} --config\\.\n`));
      assert.match(output, /request: api\/ping\/request/);
      assert.ok(!/secret|0123456789abcdef/.test(output), output);
    }
  });
});
