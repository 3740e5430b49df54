import assert from 'node:assert/strict';
import { createDevice } from '../../src/device/index.ts';
import type { LastingHub } from '../helpers/lasting-hub.ts';
import { PUMP } from '../helpers/lasting-rig.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';
import type { WatchedDisk } from './watched-disk.ts';

const ROUNDS = 25;
/** A password costs the hub much. */
const USERS = 5;
const DAY_MS = 86_400_000;
const ADMIN = 'admin-token-of-a-test';
const AS_ADMIN = { authorization: `Bearer ${ADMIN}` };
const HISTORY = '/api/v1/devices/gauge/telemetry/bar';
/** Readings of a round beside the one that is looked at: so many metrics, so often. */
const OTHER_METRICS = 200;
const REPORTS = 4;

/** Accounts close no door that the load goes in by, and the history begins more than one file. */
export const POWER_SETTINGS = {
  RECADO_HTTP_TOKENS: ADMIN,
  RECADO_HTTP_TRUSTED_NETWORKS: '127.0.0.0/8',
  RECADO_MQTT_TRUSTED_NETWORKS: '127.0.0.0/8',
  RECADO_TELEMETRY_FLUSH_MS: '10',
  RECADO_TELEMETRY_MAX_BYTES: '1048576',
  RECADO_TELEMETRY_MAX_FILE_BYTES: '1048576',
};

/** What was said to somebody, and how much of the disk was written by then. */
export type Promised = {
  readonly kind: keyof typeof CHECKS;
  readonly number: number;
  readonly id: string;
  readonly at: number;
};

/** Asks for all that is promised to last, each kind in its order, while nobody is there to receive it. */
export async function promiseAll(hub: LastingHub, disk: WatchedDisk): Promise<Promised[]> {
  const promised: Promised[] = [];
  const note = (kind: Promised['kind'], number: number, id = ''): void =>
    void promised.push({ kind, number, id, at: disk.now() });
  const publisher = new TcpWireClient(hub.mqttPort);
  await publisher.connect('publisher', { cleanStart: true, properties: {} });
  const messages = async (): Promise<void> => {
    for (let number = 1; number <= ROUNDS; number++) {
      const isRetained = number % 3 === 0;
      const fields = { qos: number % 2 === 0 ? 2 : 1, packetId: number, retain: isRetained } as const;
      publisher.publish(isRetained ? 'retained' : 'load', `${number}`, fields);
      await publisher.expect(fields.qos === 2 ? 'pubrec' : 'puback');
      note(isRetained ? 'retained' : 'message', number);
    }
  };
  const sessions = async (): Promise<void> => {
    for (let number = 1; number <= ROUNDS; number++) {
      const client = new TcpWireClient(hub.mqttPort);
      await client.connect(`session-${number}`);
      note('session', number);
      await client.subscribe(`own/${number}`, 1);
      note('subscription', number);
      client.destroy();
    }
  };
  const commands = async (): Promise<void> => {
    for (let number = 1; number <= ROUNDS; number++) {
      const { status, body } = await hub.call('POST', `${PUMP}/start`, { input: number, queueForMs: DAY_MS });
      assert.equal(status, 202);
      note('command', number, body.invocation.id);
      const patched = await hub.call('PATCH', '/api/v1/devices/pump', { title: `title ${number}` });
      assert.equal(patched.status, 200);
      note('title', number);
    }
  };
  const users = async (): Promise<void> => {
    for (let number = 1; number <= USERS; number++) {
      const user = { name: `user-${number}`, password: 'correct horse battery', roles: ['viewer'] };
      assert.equal((await hub.call('POST', '/api/v1/users', user, AS_ADMIN)).status, 201);
      note('user', number);
    }
  };
  const tokens = async (): Promise<void> => {
    for (let number = 1; number <= ROUNDS; number++) {
      const wanted = { name: `token ${number}`, roles: ['viewer'] };
      const { status, body } = await hub.call('POST', '/api/v1/tokens', wanted, AS_ADMIN);
      assert.equal(status, 201);
      if (number % 2 === 1) {
        note('token', number, body.token);
        continue;
      }
      const revoked = await hub.call('DELETE', `/api/v1/tokens/${body.id}`, undefined, AS_ADMIN);
      assert.equal(revoked.status, 204);
      note('revoked', number, body.token);
    }
  };
  await Promise.all([messages(), sessions(), commands(), users(), tokens(), readings(hub, note)]);
  publisher.destroy();
  return promised;
}

/** What somebody has read in the history was there to be read by all who come later. */
async function readings(hub: LastingHub, note: (kind: 'reading', number: number) => void): Promise<void> {
  const device = createDevice({ id: 'gauge', hub: `127.0.0.1:${hub.tcpPort}` });
  await device.start();
  const others = Object.fromEntries(
    Array.from({ length: OTHER_METRICS }, (_, index) => [`m${index}`, index]),
  );
  for (let number = 1; number <= ROUNDS; number++) {
    for (let report = 0; report < REPORTS; report++) device.report(others);
    device.report({ bar: number });
    await until(`reading ${number} is in the history`, async () => (await valuesOf(hub)).includes(number));
    note('reading', number);
  }
  await device.stop();
}

async function valuesOf(hub: LastingHub): Promise<number[]> {
  const { body } = await hub.call('GET', HISTORY);
  return (body.values ?? []).map(({ value }: { value: number }) => value);
}

async function statusWith(hub: LastingHub, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await hub.call('GET', '/api/v1/session', undefined, headers)).status;
}

/** How each kind of promise is seen to be kept by the hub that comes afterwards. */
export const CHECKS = {
  message: async (hub: LastingHub, promised: readonly Promised[]) => {
    const keeper = new TcpWireClient(hub.mqttPort);
    assert.equal((await keeper.connect('keeper')).sessionPresent, true);
    keeper.publish('load', 'the last', { qos: 1, packetId: 1 });
    const came: number[] = [];
    for (let text = ''; text !== 'the last';) {
      const packet = await keeper.next();
      if (packet?.type === 'pubrel') keeper.acknowledge('pubcomp', packet.packetId);
      if (packet?.type !== 'publish') continue;
      keeper.acknowledge(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId);
      text = Buffer.from(packet.payload).toString();
      came.push(Number(text));
    }
    came.pop();
    keeper.destroy();
    assert.deepEqual(
      came,
      came.toSorted((one, other) => one - other),
      'in order',
    );
    assert.equal(new Set(came).size, came.length, 'each once');
    for (const { number } of promised) assert.ok(came.includes(number), `message ${number} came`);
  },
  retained: async (hub: LastingHub, promised: readonly Promised[]) => {
    const client = new TcpWireClient(hub.mqttPort);
    await client.connect('reader', { cleanStart: true, properties: {} });
    await client.subscribe('retained', 0);
    const value = Number(Buffer.from((await client.expect('publish')).payload).toString());
    client.destroy();
    assert.ok(
      value >= promised.at(-1)!.number,
      `${value} is retained, ${promised.at(-1)!.number} was promised`,
    );
  },
  session: async (hub: LastingHub, promised: readonly Promised[]) => {
    for (const { number } of promised) {
      const client = new TcpWireClient(hub.mqttPort);
      const { sessionPresent } = await client.connect(`session-${number}`);
      client.destroy();
      assert.ok(sessionPresent, `session ${number} is there`);
    }
  },
  subscription: async (hub: LastingHub, promised: readonly Promised[]) => {
    for (const { number } of promised) {
      const client = new TcpWireClient(hub.mqttPort);
      await client.connect(`session-${number}`);
      client.publish(`own/${number}`, 'mine', { qos: 0, packetId: 0 });
      assert.equal((await client.expect('publish')).topicName, `own/${number}`);
      client.destroy();
    }
  },
  command: async (hub: LastingHub, promised: readonly Promised[]) => {
    for (const { number, id } of promised) {
      const { status, body } = await hub.call('GET', `/api/v1/invocations/${id}`);
      assert.deepEqual([status, body.state], [200, 'queued'], `command ${number} waits`);
    }
  },
  title: async (hub: LastingHub, promised: readonly Promised[]) => {
    const { title } = (await hub.call('GET', '/api/v1/devices/pump')).body;
    const number = Number(/^title (\d+)$/.exec(title)?.[1]);
    assert.ok(number >= promised.at(-1)!.number, `${title}, ${promised.at(-1)!.number} was promised`);
  },
  user: async (hub: LastingHub, promised: readonly Promised[]) => {
    for (const { number } of promised) {
      const { status } = await hub.call('GET', `/api/v1/users/user-${number}`, undefined, AS_ADMIN);
      assert.equal(status, 200, `user ${number} is there`);
    }
  },
  token: async (hub: LastingHub, promised: readonly Promised[]) => {
    for (const { number, id } of promised)
      assert.equal(await statusWith(hub, id), 200, `token ${number} is good`);
  },
  revoked: async (hub: LastingHub, promised: readonly Promised[]) => {
    for (const { number, id } of promised)
      assert.equal(await statusWith(hub, id), 401, `token ${number} is good no more`);
  },
  reading: async (hub: LastingHub, promised: readonly Promised[]) => {
    const values = await valuesOf(hub);
    for (const { number } of promised)
      assert.ok(values.includes(number), `reading ${number} is in the history`);
  },
};
