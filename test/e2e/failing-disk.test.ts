import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WatchedDisk, whyNoWatchedDisk } from '../crash/watched-disk.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { joinPump, PUMP } from '../helpers/lasting-rig.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';

const QUOTA_EXCEEDED = 0x97;

/** Of the stores that are not ready. */
async function statesOf(hub: LastingHub): Promise<Record<string, string>> {
  const { stores = [] } = (await hub.call('GET', '/readyz')).body as {
    stores?: { name: string; state: string }[];
  };
  return Object.fromEntries(stores.map(({ name, state }) => [name, state]));
}

/** Each is what a disk may say, and the state that people are told. */
const FAULTS = [
  ['EIO', 'failing'],
  ['EROFS', 'read-only'],
  ['EPERM', 'read-only'],
  ['EACCES', 'read-only'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
] as const;

async function join5(hub: LastingHub): Promise<TcpWireClient> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('', { cleanStart: true, properties: {} });
  return client;
}

/** The reason of its PUBACK. */
async function publish(client: TcpWireClient, text: string): Promise<number> {
  client.publish('t/1', text, { qos: 1, packetId: 1 });
  return (await client.expect('puback')).reasonCode;
}

function queue(hub: LastingHub, key: string): ReturnType<LastingHub['call']> {
  return hub.call('POST', `${PUMP}/start`, { input: 1, queueForMs: 600_000 }, { 'idempotency-key': key });
}

describe('a disk that fails while a hub runs', { skip: whyNoWatchedDisk() }, () => {
  it('takes nothing that would have to be stored, and heals', async (t) => {
    const disk = new WatchedDisk(t);
    const hub = await LastingHub.start(t, { folder: disk.folder, settings: disk.settings });
    (await joinPump(t, hub.tcpPort)).socket.destroy();
    const keeper = new TcpWireClient(hub.mqttPort);
    await keeper.connect('keeper');
    await keeper.subscribe('t/#', 1);
    keeper.destroy();
    for (const [name, state] of FAULTS) {
      const first = await join5(hub);
      assert.equal(await publish(first, `before-${name}`), 0);
      assert.equal((await queue(hub, `before-${name}`)).status, 202);

      disk.failWith(name);
      // Whether this one is stored, nobody knows: it is not acknowledged.
      first.publish('t/1', 'unknown', { qos: 1, packetId: 2 });
      assert.equal(await first.next(), undefined);
      const publisher = await join5(hub);
      await publisher.subscribe('passing', 0);
      await until('nobody is promised anything', async () => {
        const client = await join5(hub);
        client.publish('t/1', 'unknown', { qos: 1, packetId: 1 });
        const answer = await client.next();
        client.destroy();
        return answer?.type === 'puback' && answer.reasonCode === QUOTA_EXCEEDED;
      });
      const refused = await queue(hub, `after-${name}`);
      assert.deepEqual([refused.status, refused.body.code], [503, 'STORE_UNAVAILABLE']);
      const { sessions, hub: commands } = await statesOf(hub);
      assert.deepEqual([sessions, commands], [state, state], name);
      publisher.publish('passing', 'goes on', { qos: 0, packetId: 0 });
      assert.equal((await publisher.expect('publish')).topicName, 'passing');

      disk.heal();
      await until('both heal, though nothing is written', async () => {
        return Object.keys(await statesOf(hub)).length === 0;
      });
      assert.equal(await publish(publisher, `after-${name}`), 0);
      assert.equal((await queue(hub, `after-${name}`)).status, 202);
      publisher.destroy();
    }

    await hub.restart('SIGKILL');
    const acknowledged = FAULTS.flatMap(([name]) => [`before-${name}`, `after-${name}`]);
    const back = new TcpWireClient(hub.mqttPort);
    assert.equal((await back.connect('keeper')).sessionPresent, true);
    const came: string[] = [];
    while (came.at(-1) !== acknowledged.at(-1)) {
      const { payload, packetId } = await back.expect('publish');
      came.push(Buffer.from(payload).toString());
      back.acknowledge('puback', packetId);
    }
    assert.deepEqual(
      came.filter((text) => text !== 'unknown'),
      acknowledged,
    );
    back.destroy();
    for (const key of acknowledged)
      assert.equal((await queue(hub, key)).headers.get('idempotency-replayed'), 'true', key);
  });
});
