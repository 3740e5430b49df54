import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDevice } from '../../src/device/index.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { SmallDisk, whyNoSmallDisk } from '../helpers/small-disk.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';

const QUOTA_EXCEEDED = 0x97;
const PAYLOAD = 'x'.repeat(16_384);

async function readiness(hub: LastingHub): Promise<Record<string, unknown>> {
  return (await (await fetch(`${hub.url}/readyz`)).json()) as Record<string, unknown>;
}

/** Publishes what a session waits for until no more can be stored; how many were acknowledged. */
async function fill(hub: LastingHub): Promise<number> {
  for (let acknowledged = 0; ; acknowledged++) {
    const client = new TcpWireClient(hub.mqttPort);
    await client.connect('filling', { cleanStart: true, properties: {} });
    client.publish('big/1', PAYLOAD, { qos: 1, packetId: 1 });
    const answer = await client.next();
    client.destroy();
    if (answer === undefined) return acknowledged;
    assert.equal(answer.type, 'puback');
    if ((answer as { reasonCode: number }).reasonCode === QUOTA_EXCEEDED) return acknowledged;
  }
}

describe('a full disk', { skip: whyNoSmallDisk() }, () => {
  it('refuses what would have to be stored, lets the rest go on, and heals by itself', async (t) => {
    const disk = new SmallDisk(t, 3);
    const hub = await LastingHub.start(t, { folder: disk.file('data') });
    const keeper = new TcpWireClient(hub.mqttPort);
    await keeper.connect('keeper');
    await keeper.subscribe('big/#', 1);
    keeper.destroy();
    const other = new TcpWireClient(hub.mqttPort);
    await other.connect('other', { cleanStart: true, properties: {} });
    await other.subscribe('small/#', 1);

    const acknowledged = await fill(hub);
    assert.ok(acknowledged > 50, `${acknowledged} messages of 16 KiB had room`);
    await until('nobody is promised anything', async () => {
      const probe = new TcpWireClient(hub.mqttPort);
      await probe.connect('probe', { cleanStart: true, properties: {} });
      probe.publish('big/2', PAYLOAD, { qos: 1, packetId: 1 });
      const answer = await probe.next();
      probe.destroy();
      return answer?.type === 'puback' && answer.reasonCode === QUOTA_EXCEEDED;
    });
    const { status, stores } = await readiness(hub);
    assert.equal(status, 'degraded');
    const [store] = stores as { name: string; state: string; advice: string }[];
    assert.deepEqual([store?.name, store?.state], ['sessions', 'full']);
    assert.match(store?.advice ?? '', /make room/);
    assert.match(hub.program.errorText, /sessions cannot be stored \(.*\): the disk is full: make room/);

    // What needs no disk goes on, also QoS 1, and what is retained is delivered.
    const publisher = new TcpWireClient(hub.mqttPort);
    await publisher.connect('publisher', { cleanStart: true, properties: {} });
    publisher.publish('small/1', 'goes on', { qos: 1, packetId: 1 });
    assert.equal((await publisher.expect('puback')).reasonCode, 0);
    other.acknowledge('puback', (await other.expect('publish')).packetId);
    publisher.publish('small/2', 'delivered', { qos: 0, packetId: 0, retain: true });
    assert.equal((await other.expect('publish')).topicName, 'small/2');
    publisher.publish('small/3', 'refused', { qos: 2, packetId: 2, retain: true });
    assert.equal((await publisher.expect('pubrec')).reasonCode, QUOTA_EXCEEDED);
    const old = new TcpWireClient(hub.mqttPort, 4);
    await old.connect('old', { cleanStart: true });
    old.publish('big/3', PAYLOAD, { qos: 1, packetId: 1 });
    assert.equal(await old.next(), undefined, 'a client of MQTT 3.1.1 is sent away');
    const persistent = new TcpWireClient(hub.mqttPort);
    assert.equal((await persistent.connect('newcomer')).reasonCode, 0x88);

    disk.remount('size=32m');
    await until('it heals', async () => (await readiness(hub))['status'] === 'ok');
    publisher.publish('big/4', 'stored again', { qos: 1, packetId: 3 });
    assert.equal((await publisher.expect('puback')).reasonCode, 0);
    assert.match(hub.program.errorText, /sessions can be stored again/);

    await hub.restart('SIGKILL');
    const back = new TcpWireClient(hub.mqttPort);
    assert.equal((await back.connect('keeper')).sessionPresent, true);
    let received = 0;
    for (let last = ''; last !== 'big/4'; received++) {
      const { topicName, packetId } = await back.expect('publish');
      back.acknowledge('puback', packetId);
      last = topicName;
    }
    assert.ok(received > acknowledged, `${received} came back, ${acknowledged} were acknowledged`);
    back.destroy();
  });

  it('that is full when the hub starts gives what it has, and heals', async (t) => {
    const disk = new SmallDisk(t, 3);
    const hub = await LastingHub.start(t, { folder: disk.file('data') });
    const keeper = new TcpWireClient(hub.mqttPort);
    await keeper.connect('keeper');
    await keeper.subscribe('big/#', 1);
    keeper.destroy();
    await hub.end('SIGKILL');
    disk.fill();
    await hub.begin();
    const publisher = new TcpWireClient(hub.mqttPort);
    await publisher.connect('publisher', { cleanStart: true, properties: {} });
    await until('it says that the disk is full', async () => {
      const probe = new TcpWireClient(hub.mqttPort);
      await probe.connect('probe', { cleanStart: true, properties: {} });
      probe.publish('big/1', PAYLOAD, { qos: 1, packetId: 1 });
      await probe.next();
      probe.destroy();
      return (await readiness(hub))['status'] === 'degraded';
    });
    disk.makeRoom();
    await until('it heals', async () => (await readiness(hub))['status'] === 'ok');
    const back = new TcpWireClient(hub.mqttPort);
    assert.equal((await back.connect('keeper')).sessionPresent, true);
    back.destroy();
    publisher.destroy();
  });

  it('that is read-only when the hub starts gives what it has, and heals', async (t) => {
    const disk = new SmallDisk(t, 3);
    const hub = await LastingHub.start(t, { folder: disk.file('data') });
    const keeper = new TcpWireClient(hub.mqttPort);
    await keeper.connect('keeper');
    await keeper.subscribe('big/#', 1);
    keeper.destroy();
    const publisher = async (text: string): Promise<number> => {
      const client = new TcpWireClient(hub.mqttPort);
      await client.connect('', { cleanStart: true, properties: {} });
      client.publish('big/1', text, { qos: 1, packetId: 1 });
      const answer = await client.next();
      client.destroy();
      return answer?.type === 'puback' ? answer.reasonCode : QUOTA_EXCEEDED;
    };
    assert.equal(await publisher('before'), 0);
    await hub.end('SIGTERM');
    disk.remount('ro');
    await hub.begin();
    const { stores } = await readiness(hub);
    assert.deepEqual(
      (stores as { name: string; state: string }[]).map(({ name, state }) => [name, state]),
      [
        ['sessions', 'read-only'],
        ['hub', 'read-only'],
      ],
    );
    assert.equal(await publisher('refused'), QUOTA_EXCEEDED);
    disk.remount('rw');
    await until('it heals', async () => (await readiness(hub))['status'] === 'ok');
    await until('it is taken', async () => (await publisher('after')) === 0);
    await hub.restart('SIGKILL');
    const back = new TcpWireClient(hub.mqttPort);
    assert.equal((await back.connect('keeper')).sessionPresent, true);
    const texts: string[] = [];
    while (texts.at(-1) !== 'after') {
      const { payload, packetId } = await back.expect('publish');
      texts.push(Buffer.from(payload).toString());
      back.acknowledge('puback', packetId);
    }
    assert.equal(texts[0], 'before');
    back.destroy();
  });

  it('costs history and no reading of now, and a process that is killed leaves what was written', async (t) => {
    const disk = new SmallDisk(t, 3);
    const hub = await LastingHub.start(t, { folder: disk.file('data') });
    disk.fill();
    const device = createDevice({
      id: 'pump',
      hub: `127.0.0.1:${hub.tcpPort}`,
      minBackoffMs: 20,
      maxBackoffMs: 100,
    });
    t.after(() => device.stop());
    await device.start();
    const telemetry = async (): Promise<Record<string, unknown> | undefined> => {
      const { stores = [] } = (await readiness(hub)) as { stores?: Record<string, unknown>[] };
      return stores.find(({ name }) => name === 'telemetry');
    };
    device.report({ bar: 1 });
    await until('it says that the disk is full', async () => (await telemetry())?.['state'] === 'full');
    const { readings } = (await hub.call('GET', '/api/v1/devices/pump/telemetry')).body;
    assert.equal(readings[0].value, 1);
    disk.makeRoom();
    const values = async (): Promise<number[]> => {
      const { body } = await hub.call('GET', '/api/v1/devices/pump/telemetry/bar');
      return (body.values ?? []).map(({ value }: { value: number }) => value);
    };
    await until('it heals, though no reading comes', async () => (await telemetry()) === undefined);
    device.report({ bar: 2 });
    await until('readings are kept again', async () => (await values()).includes(2));
    const before = (await values()).length;
    await hub.restart('SIGKILL');
    assert.ok((await values()).length >= before);
  });
});
