import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BRIDGE_CALLER_CONFIG } from '../../src/bridge/caller-config.ts';
import { BRIDGE_SERVER_CONFIG } from '../../src/bridge/server-config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { findFreePorts } from '../helpers/hub-process.ts';
import { readMarkdown } from '../helpers/markdown.ts';
import { runProgram } from '../helpers/run-program.ts';
import { readText, ROOT } from '../helpers/source-files.ts';

const PING = join(ROOT, 'examples', 'ping');

describe('examples/ping', () => {
  it('runs all of its programs, shows one round trip and one message, and ends', async () => {
    const { http, tcp } = await findFreePorts();
    const words = [process.execPath, '--conditions=recado:source', join(PING, 'run-all.ts')];
    const env = { API_1_PORT: String(http), API_2_PORT: String(tcp) };
    const { end, output, errors } = await runProgram(words, { cwd: ROOT, env });
    assert.deepEqual([end, errors], [0, '']);
    assert.ok(output.includes('200 {"response":{"message":"pong","received":{"ask":"ping"}}}\n'), output);
    assert.match(output, /^agent {6}request: \{"ask":"ping"\} -> response: /m);
    assert.match(output, /^api-1 {6}Topic: api\/ping\/response, Message: /m);
    assert.match(output, /^client-a {3}my\/topic: Hello from client B! Hello Again$/m);
  });

  it('says which program did not start, and why, without a stack', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    const { http } = await findFreePorts();
    const words = [process.execPath, '--conditions=recado:source', join(PING, 'run-all.ts')];
    const ports = { API_1_PORT: String(http), API_2_PORT: String(port) };
    const isTaken = await runProgram(words, { cwd: ROOT, env: ports });
    assert.equal(isTaken.end, 1);
    assert.match(isTaken.errors, /^API 2 cannot listen \(.*EADDRINUSE.*\): set API_2_PORT to another port$/m);
    assert.match(isTaken.errors, /^api-2 ended before it was ready$/m);
    assert.doesNotMatch(isTaken.errors, /^ +at /m);
    const env = { API_1_PORT: String(http), API_2_PORT: '0', RECADO_BROKER: 'mqtt://127.0.0.1:9' };
    const { end, errors } = await runProgram(words, { cwd: ROOT, env });
    assert.equal(end, 1);
    assert.match(errors, /^cannot reach the MQTT broker at mqtt:\/\/127\.0\.0\.1:9: nothing listens there/m);
    assert.doesNotMatch(errors, /^ +at /m);
  });

  it('has files for recado gateway and recado agent that are good', () => {
    const sources = { folder: PING, environment: {} };
    assert.ok(loadConfig(BRIDGE_SERVER_CONFIG, { ...sources, file: 'gateway.yaml' }).ok);
    assert.ok(loadConfig(BRIDGE_CALLER_CONFIG, { ...sources, file: 'agent.yaml' }).ok);
  });
});

describe('docs/protocols/fixed-routes.md', () => {
  it('shows files that are good', async (t) => {
    const { folderWith } = await import('../helpers/bridge-programs.ts');
    const blocks = readMarkdown(readText('docs/protocols/fixed-routes.md')).codeBlocks.filter(
      ({ language }) => language === 'yaml',
    );
    assert.equal(blocks.length, 5);
    for (const { lines } of blocks) {
      const folder = folderWith(t, { 'routes.yaml': lines.join('\n') });
      const sources = { folder, environment: {}, file: 'routes.yaml' };
      const isAgent = lines.some((line) => line.includes('call:'));
      const reading = isAgent
        ? loadConfig(BRIDGE_CALLER_CONFIG, sources)
        : loadConfig(BRIDGE_SERVER_CONFIG, sources);
      assert.ok(reading.ok, JSON.stringify(reading));
    }
  });
});
