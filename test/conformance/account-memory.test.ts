import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import { itMeasures, memoryBytes } from '../helpers/measured-growth.ts';
import { urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

const LONG = 'x'.repeat(60_000);
const ROOT = 'a-token-of-the-configuration';

async function open(t: TestContext) {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.inMemory = true;
  });
  const scopes = [{ topics: ['house/#'] }];
  const admin = createClient({ url: hub.url, token: ROOT });
  const { token } = await admin.tokens.create({ name: 'x', roles: ['operator'], scopes });
  return { port: Number(new URL(urlOf(hub.server, 'mqtt')).port), token, admin };
}

/** Some of it may be what the process itself took meanwhile. */
function expectLittle(before: number, after: number, sentBytes: number): void {
  assert.ok(after - before < sentBytes / 4, `${sentBytes} bytes were sent, and ${after - before} are kept`);
}

itMeasures('the audit keeps no more of a topic than it tells', async (t) => {
  const { port, token, admin } = await open(t);
  const client = new TcpWireClient(port);
  await client.connect('refused', {
    cleanStart: true,
    userName: 'x',
    password: Buffer.from(token),
    properties: {},
  });
  const publish = async (number: number): Promise<void> => {
    client.publish(`${number}/${LONG}`, '', { qos: 1, packetId: 1 });
    assert.equal((await client.expect('puback')).reasonCode, 0x87);
  };
  await publish(0);
  await admin.audit.list();
  const before = await memoryBytes();
  for (let number = 1; number <= 300; number++) await publish(number);
  const [last] = (await admin.audit.list({ limit: 1 })).entries;
  assert.equal(last?.target.slice(0, 4), '300/');
  expectLittle(before, await memoryBytes(), 300 * LONG.length);
  client.destroy();
});

itMeasures('a try to come in leaves no long name behind', async (t) => {
  const { port } = await open(t);
  const guess = async (userName: string): Promise<void> => {
    const client = new TcpWireClient(port);
    await client.connect('', { cleanStart: true, userName, password: Buffer.from('wrong') });
    client.destroy();
  };
  await guess('first');
  const before = await memoryBytes();
  for (let number = 1; number <= 18; number++) await guess(number + LONG);
  expectLittle(before, await memoryBytes(), 18 * LONG.length);
});
