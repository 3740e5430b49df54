import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { createDevice } from '../../src/device/index.ts';
import type { Json } from '../helpers/json.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';

const { Validator } = createRequire(import.meta.url)('@seriousme/openapi-schema-validator') as {
  readonly Validator: new () => { validate(document: Json): Promise<{ valid: boolean; errors?: unknown }> };
};
const ADMIN = { authorization: 'Bearer a-token-of-the-configuration' };

test('/openapi/devices.json has each command with its own schemas, as OpenAPI 3.1 has it', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = ['a-token-of-the-configuration'];
    config.http.trustedNetworks = [];
  });
  const input = { type: 'object', properties: { to: { enum: ['on', 'off'] } }, required: ['to'] } as const;
  const device = createDevice({
    id: 'pump:1',
    title: 'The pump',
    hub: `127.0.0.1:${hub.tcpPort}`,
    commands: {
      turn: { kind: 'write', input, output: { type: 'boolean' }, run: () => true },
      state: { kind: 'read', run: () => 'on' },
    },
  });
  t.after(() => device.stop());
  const ask = (headers = ADMIN) => hub.call('GET', '/openapi/devices.json', undefined, headers);
  const isValid = async (document: Json) => new Validator().validate(document);

  const { body: empty } = await ask();
  assert.deepEqual(empty.paths, {});
  assert.equal((await isValid(empty)).valid, true);

  await device.start();
  const { status, body } = await ask();
  assert.equal(status, 200);
  const checked = await isValid(body);
  assert.ok(checked.valid, JSON.stringify(checked.errors));
  const path = '/api/v1/devices/pump%3A1/commands/turn';
  assert.deepEqual(Object.keys(body.paths), [path, path.replace('turn', 'state')]);
  const { requestBody, responses } = body.paths[path].post;
  assert.deepEqual(requestBody.content['application/json'].schema.properties.input, input);
  assert.deepEqual(responses['200'].content['application/json'].schema.properties.output, {
    type: 'boolean',
  });
  // The address is one of the hub's, and takes such a body.
  assert.equal((await hub.call('POST', path, { input: { to: 'on' } }, ADMIN)).body.output, true);

  const { body: made } = await hub.call('POST', '/api/v1/tokens', { name: 'a', roles: ['viewer'] }, ADMIN);
  const viewer = await ask({ authorization: `Bearer ${made.token}` });
  assert.deepEqual(viewer.body.paths, {});
  const { body: problem } = await hub.call('GET', '/openapi/devices.json');
  assert.equal(problem.code, 'UNAUTHENTICATED');
});
