import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createDevice } from '../../src/device/index.ts';
import type { Answer } from '../helpers/start-test-hub.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { joinPump, PUMP } from '../helpers/lasting-rig.ts';
import { SmallDisk, whyNoSmallDisk } from '../helpers/small-disk.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';

const QUOTA_EXCEEDED = 0x97;
const PAYLOAD = 'x'.repeat(4096);
const ADMIN = 'admin-token-of-a-test';
const AS_ADMIN = { authorization: `Bearer ${ADMIN}` };
const OPEN = {
  RECADO_HTTP_TOKENS: ADMIN,
  RECADO_HTTP_TRUSTED_NETWORKS: '127.0.0.0/8',
  RECADO_MQTT_TRUSTED_NETWORKS: '127.0.0.0/8',
  RECADO_TELEMETRY_FLUSH_MS: '10',
  RECADO_DEVICES_MAX_QUEUED_INVOCATIONS: '10000',
  RECADO_DEVICES_MAX_QUEUED_PER_CALLER: '10000',
};

/** What a hub was asked to keep, and what it said. */
class FullDiskRig {
  readonly hub: LastingHub;
  readonly disk: SmallDisk;
  readonly messages: number[] = [];
  readonly commands: string[] = [];
  readonly tokens: string[] = [];
  #count = 0;

  static async start(t: TestContext): Promise<FullDiskRig> {
    const disk = new SmallDisk(t, 8);
    const hub = await LastingHub.start(t, { folder: disk.file('data'), settings: OPEN });
    (await joinPump(t, hub.tcpPort)).socket.destroy();
    const keeper = new TcpWireClient(hub.mqttPort);
    await keeper.connect('keeper');
    await keeper.subscribe('t/#', 1);
    keeper.destroy();
    return new FullDiskRig(hub, disk);
  }

  private constructor(hub: LastingHub, disk: SmallDisk) {
    this.hub = hub;
    this.disk = disk;
  }

  /** @returns the Reason Code; undefined where the connection was closed: it is not known whether it was stored */
  async publish(): Promise<number | undefined> {
    const number = ++this.#count;
    const client = new TcpWireClient(this.hub.mqttPort);
    await client.connect('', { cleanStart: true, properties: {} });
    client.publish('t/1', `${number} ${PAYLOAD}`, { qos: 1, packetId: 1 });
    const answer = await client.next();
    client.destroy();
    if (answer?.type !== 'puback') return undefined;
    if (answer.reasonCode === 0) this.messages.push(number);
    return answer.reasonCode;
  }

  async command(): Promise<Answer> {
    const number = ++this.#count;
    const key = { 'idempotency-key': `key-${number}` };
    const answer = await this.hub.call('POST', `${PUMP}/start`, { input: number, queueForMs: 600_000 }, key);
    if (answer.status === 202) this.commands.push(answer.body.invocation.id);
    return answer;
  }

  async token(): Promise<Answer> {
    const wanted = { name: `token ${++this.#count}`, roles: ['viewer'] };
    const answer = await this.hub.call('POST', '/api/v1/tokens', wanted, AS_ADMIN);
    if (answer.status === 201) this.tokens.push(answer.body.token);
    return answer;
  }

  async states(): Promise<Record<string, string>> {
    const { stores = [] } = (await this.hub.call('GET', '/readyz')).body;
    return Object.fromEntries(
      stores.map((store: { name: string; state: string }) => [store.name, store.state]),
    );
  }

  /** What was acknowledged, and what came of it. */
  async check(): Promise<void> {
    const keeper = new TcpWireClient(this.hub.mqttPort);
    assert.equal((await keeper.connect('keeper')).sessionPresent, true);
    const came: number[] = [];
    while (came.at(-1) !== this.messages.at(-1)) {
      const { payload, packetId } = await keeper.expect('publish');
      keeper.acknowledge('puback', packetId);
      came.push(Number(Buffer.from(payload).toString().split(' ')[0]));
    }
    keeper.destroy();
    for (const number of this.messages) assert.ok(came.includes(number), `message ${number}`);
    for (const id of this.commands) {
      const { body } = await this.hub.call('GET', `/api/v1/invocations/${id}`);
      assert.equal(body.state, 'queued', `command ${id}`);
    }
    for (const token of this.tokens) {
      const headers = { authorization: `Bearer ${token}` };
      assert.equal((await this.hub.call('GET', '/api/v1/session', undefined, headers)).status, 200);
    }
  }
}

function refusalOf({ status, body }: Answer): unknown[] {
  return [status, body.code, status >= 500 ? body.safeToRetry : undefined];
}

describe('a disk that fills up under load', { skip: whyNoSmallDisk() }, () => {
  it('is told to each in its own words, heals, and nothing that was acknowledged is lost', async (t) => {
    const rig = await FullDiskRig.start(t);
    const { hub, disk } = rig;
    const gauge = createDevice({ id: 'gauge', hub: `127.0.0.1:${hub.tcpPort}` });
    t.after(() => gauge.stop());
    await gauge.start();
    gauge.report({ bar: 1 });
    const values = async (): Promise<number[]> => {
      const { body } = await hub.call('GET', '/api/v1/devices/gauge/telemetry/bar');
      return (body.values ?? []).map(({ value }: { value: number }) => value);
    };
    await until('the reading is kept', async () => (await values()).includes(1));
    disk.fill(1_500_000);
    const refused = { messages: 0, commands: 0, tokens: 0 };
    const work = [
      async () => (refused.messages += (await rig.publish()) === QUOTA_EXCEEDED ? 1 : 0),
      async () => (refused.commands += (await rig.command()).status === 503 ? 1 : 0),
      async () => (refused.tokens += (await rig.token()).status === 503 ? 1 : 0),
    ];
    await until('each is refused', async () => {
      for (const each of work) await each();
      gauge.report({ bar: 2 });
      const isRefused = refused.messages > 0 && refused.commands > 0 && refused.tokens > 0;
      return isRefused && (await rig.states())['telemetry'] === 'full';
    });
    // What is free in one file is no room for another.
    disk.fill();
    await until('nothing is promised', async () => (await rig.publish()) === QUOTA_EXCEEDED);
    assert.deepEqual(refusalOf(await rig.command()), [503, 'STORE_UNAVAILABLE', true]);
    assert.deepEqual(refusalOf(await rig.token()).slice(0, 2), [503, 'STORE_UNAVAILABLE']);
    await until('all three say so', async () => {
      gauge.report({ bar: 2 });
      const { sessions, hub: commands, telemetry } = await rig.states();
      return [sessions, commands, telemetry].every((state) => state === 'full');
    });
    const promised = [rig.messages.length, rig.commands.length, rig.tokens.length];
    assert.ok(
      promised.every((count) => count > 3),
      `${promised.join()} were promised`,
    );

    disk.makeRoom();
    await until('all heal', async () => {
      gauge.report({ bar: 3 });
      return Object.keys(await rig.states()).length === 0;
    });
    assert.equal(await rig.publish(), 0);
    assert.equal((await rig.command()).status, 202);
    assert.equal((await rig.token()).status, 201);
    await until('readings are kept again', async () => (await values()).includes(3));
    assert.ok((await values()).includes(1));
    await hub.restart('SIGKILL');
    await rig.check();
    t.diagnostic(`messages, commands, tokens promised on the way to full: ${promised.join()}`);
  });
});
