import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { whyNoMosquitto } from '../helpers/mosquitto.ts';
import { subscribePacket } from '../helpers/mqtt-wire-client.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { runProgram } from '../helpers/run-program.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

const PROPERTIES = {
  messageExpiryInterval: 3600,
  contentType: 'text/plain',
  responseTopic: 'answers/here',
  correlationData: Uint8Array.of(0, 255),
  userProperties: [['ключ', 'значение']] as [string, string][],
};

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  describe(`a hub that starts again after ${signal}`, () => {
    it('has its subscriptions with their options and identifiers', async (t) => {
      const hub = await LastingHub.start(t);
      const client = new TcpWireClient(hub.mqttPort);
      const { sessionPresent } = await client.connect('keeper');
      assert.equal(sessionPresent, false);
      const options = { qos: 2, noLocal: true, retainAsPublished: true, subscriptionIdentifier: 77 } as const;
      client.send(subscribePacket(['a/+', '$share/g/s/#'], { ...options, noLocal: false }));
      await client.expect('suback');
      client.send(subscribePacket(['own/#'], options));
      await client.expect('suback');
      await hub.restart(signal);

      const back = new TcpWireClient(hub.mqttPort);
      assert.equal((await back.connect('keeper')).sessionPresent, true);
      back.publish('own/1', 'not to me', { qos: 1, packetId: 1 });
      await back.expect('puback');
      back.publish('a/b', 'to me', { qos: 0, packetId: 0, retain: true });
      const direct = await back.expect('publish');
      assert.deepEqual(
        [direct.topicName, direct.retain, direct.properties],
        ['a/b', true, { subscriptionIdentifiers: [77] }],
      );
      back.publish('s/x', 'by the share', { qos: 2, packetId: 2 });
      await back.expect('pubrec');
      assert.equal((await back.expect('publish')).topicName, 's/x');
      back.destroy();
    });

    it('has what was queued, with properties and the rest of its expiry, in order', async (t) => {
      const hub = await LastingHub.start(t);
      const keeper = new TcpWireClient(hub.mqttPort);
      await keeper.connect('keeper');
      await keeper.subscribe('q/#', 2);
      keeper.destroy();
      const publisher = new TcpWireClient(hub.mqttPort);
      await publisher.connect('publisher', { cleanStart: true, properties: {} });
      for (const [index, qos] of ([1, 2, 1] as const).entries()) {
        publisher.publish(`q/${index}`, `payload ${index}`, {
          qos,
          packetId: index + 1,
          properties: PROPERTIES,
        });
        await publisher.expect(qos === 1 ? 'puback' : 'pubrec');
      }
      await hub.restart(signal);

      const back = new TcpWireClient(hub.mqttPort);
      assert.equal((await back.connect('keeper')).sessionPresent, true);
      for (const [index, qos] of ([1, 2, 1] as const).entries()) {
        const message = await back.expect('publish');
        const { messageExpiryInterval = 0, ...others } = message.properties ?? {};
        assert.deepEqual([message.topicName, message.qos], [`q/${index}`, qos]);
        assert.equal(Buffer.from(message.payload).toString(), `payload ${index}`);
        const { messageExpiryInterval: _, ...expected } = PROPERTIES;
        assert.deepEqual(others, expected);
        assert.ok(messageExpiryInterval > 3000 && messageExpiryInterval <= 3600);
      }
      back.destroy();
    });

    it('sends what was in flight once more, and takes no QoS 2 message twice', async (t) => {
      const hub = await LastingHub.start(t);
      const client = new TcpWireClient(hub.mqttPort);
      await client.connect('both');
      await client.subscribe('t', 2);
      client.publish('t', 'once', { qos: 2, packetId: 9 });
      await client.expect('pubrec');
      const { packetId: first } = await client.expect('publish');
      client.acknowledge('pubrec', first);
      await client.expect('pubrel');
      client.publish('t', 'twice', { qos: 1, packetId: 10 });
      await client.expect('puback');
      const { packetId: second } = await client.expect('publish');
      await hub.restart(signal);

      const back = new TcpWireClient(hub.mqttPort);
      assert.equal((await back.connect('both')).sessionPresent, true);
      assert.equal((await back.expect('pubrel')).packetId, first);
      const again = await back.expect('publish');
      assert.deepEqual([again.dup, again.packetId], [true, second]);
      back.acknowledge('pubcomp', first);
      back.acknowledge('puback', second);
      back.publish('t', 'once', { qos: 2, packetId: 9, dup: true });
      await back.expect('pubrec');
      back.acknowledge('pubrel', 9);
      await back.expect('pubcomp');
      back.publish('t', 'new', { qos: 1, packetId: 11 });
      await back.expect('puback');
      assert.equal(Buffer.from((await back.expect('publish')).payload).toString(), 'new');
      back.destroy();
    });

    it('publishes a Will after its delay, and no other', async (t) => {
      const hub = await LastingHub.start(t);
      const watcher = new TcpWireClient(hub.mqttPort);
      await watcher.connect('watcher');
      await watcher.subscribe('will/#', 1);
      const leaving = new TcpWireClient(hub.mqttPort);
      const will = (topicName: string) => ({
        topicName,
        payload: Buffer.from('gone'),
        qos: 1 as const,
        retain: false,
        properties: { willDelayInterval: 1, contentType: 'text/plain' },
      });
      await leaving.connect('leaving', { willMessage: will('will/due') });
      const returning = new TcpWireClient(hub.mqttPort);
      await returning.connect('returning', {
        willMessage: { ...will('will/not'), properties: { willDelayInterval: 3600 } },
      });
      await hub.restart(signal);

      const back = new TcpWireClient(hub.mqttPort);
      await back.connect('watcher');
      const message = await back.expect('publish');
      assert.deepEqual([message.topicName, message.properties], ['will/due', { contentType: 'text/plain' }]);
      back.destroy();
    });

    it('has what was retained, and what Mosquitto clients left', { skip: whyNoMosquitto() }, async (t) => {
      const hub = await LastingHub.start(t);
      const port = ['-p', String(hub.mqttPort), '-V', '5'];
      const pub = (...words: string[]) => runProgram(['mosquitto_pub', ...port, ...words]);
      const sub = (...words: string[]) => runProgram(['mosquitto_sub', ...port, '-W', '20', ...words]);
      const session = ['-c', '-i', 'msub', '-x', '3600', '-t', 'm/#', '-q', '1'];
      // A session that is made, and left.
      await sub(...session, '-E');
      await pub('-t', 'm/kept', '-m', 'kept', '-r', '-q', '1', '-D', 'publish', 'content-type', 'text/plain');
      for (const text of ['one', 'two']) await pub('-t', 'm/queued', '-m', text, '-q', '1');
      await hub.restart(signal);
      const queued = await sub(...session, '-C', '3', '-F', '%t %p %r');
      assert.equal(queued.output, 'm/kept kept 0\nm/queued one 0\nm/queued two 0\n');
      const retained = await sub('-t', 'm/kept', '-C', '1', '-F', '%t %p %r %C');
      assert.equal(retained.output, 'm/kept kept 1 text/plain\n');
      await pub('-t', 'm/kept', '-n', '-r', '-q', '1');
      await hub.restart(signal);
      const none = await runProgram(['mosquitto_sub', ...port, '-W', '1', '-t', 'm/kept', '-C', '1']);
      assert.equal(none.output, '');
    });
  });
}

describe('the folder of a hub', () => {
  it('is not another hub’s too', async (t) => {
    const hub = await LastingHub.start(t);
    const ports = ['http', 'tcp', 'udp', 'mqtt'].flatMap((name) => [`--${name}-port`, '0']);
    const second = await runProgram(recadoWords('hub', ...ports, '--data-dir', hub.folder));
    assert.equal(second.end, 1);
    assert.match(
      second.errors,
      new RegExp(
        `^recado: the folder ${hub.folder} is in use by process ${hub.program.pid} on .*RECADO_DATA_DIR\\)\n$`,
      ),
    );
  });
});
