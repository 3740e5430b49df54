import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectMqtt } from '../../../src/mqtt/client/client.ts';
import type { MqttClientOptions } from '../../../src/mqtt/client/client-options.ts';
import { ClientState } from '../../../src/mqtt/client/client-state.ts';
import {
  kindly,
  messageOf,
  openClientRig,
  publishPacket,
  WELCOME_BACK,
  welcoming,
} from '../../helpers/client-rig.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { ScriptedBroker, welcome } from '../../helpers/scripted-broker.ts';
import { until } from '../../helpers/until.ts';

describe('CONNECT', () => {
  it('says who comes, and what its Will is', async (t) => {
    const { broker } = await openClientRig(t, welcoming, {
      clientId: 'me',
      user: 'user',
      password: 'secret',
      keepAliveS: 30,
      maxPacketBytes: 5000,
      will: { topicName: 'gone', payload: Buffer.from('x'), qos: 1, properties: { willDelayInterval: 5 } },
    });
    const { willMessage, password, ...connect } = broker.packetsOf('connect')[0] ?? assert.fail();
    assert.partialDeepStrictEqual(connect, {
      clientId: 'me',
      userName: 'user',
      keepAlive: 30,
      cleanStart: true,
      properties: { maximumPacketSize: 5000 },
    });
    assert.equal(Buffer.from(password ?? []).toString(), 'secret');
    assert.partialDeepStrictEqual(willMessage, { topicName: 'gone', qos: 1, retain: false });
    assert.equal(willMessage?.properties.willDelayInterval, 5);
  });

  it('goes on with the id that the server gave', async (t) => {
    const { broker, client } = await openClientRig(
      t,
      (packet, peer) => {
        if (packet.type === 'connect') peer.send(welcome({ assignedClientIdentifier: 'given' }));
      },
      { clientId: '' },
    );
    broker.clients[0]?.socket.destroy();
    await until('it has come again', () => broker.packetsOf('connect').length === 2);
    assert.deepEqual(
      broker.packetsOf('connect').map(({ clientId }) => clientId),
      ['', 'given'],
    );
    await until('it is connected', () => client.isConnected);
  });

  it('that starts clean is not answered with a session [MQTT-3.2.2-2]', async (t) => {
    const broker = await ScriptedBroker.start((packet, peer) => {
      if (packet.type === 'connect') peer.send(WELCOME_BACK);
    });
    t.after(() => broker.close());
    await assert.rejects(connectMqtt(broker.url, { protocolVersion: 5 }), {
      code: 'BROKER_UNREACHABLE',
      message: /CONNACK goes on with a session/,
    });
  });
});

describe('Keep Alive', () => {
  it('is what the server says, and asks only where nothing comes or goes', async (t) => {
    const clock = new ManualClock();
    const { broker, events, arrived } = await openClientRig(
      t,
      (packet, peer) => {
        if (packet.type === 'connect') peer.send(welcome({ serverKeepAlive: 10 }));
        if (packet.type !== 'pingreq') return;
        peer.send({ type: 'pingresp' });
        peer.send(publishPacket('answered', ''));
      },
      { keepAliveS: 1000, clock },
    );
    const pings = (): number => broker.packetsOf('pingreq').length;
    for (let count = 1; count <= 3; count++) {
      clock.advance(5000); // CONNECT, or the PINGREQ before, was within it.
      assert.equal(pings(), count - 1);
      clock.advance(5000);
      await until(`${count} are answered`, () => arrived.length === count);
    }
    assert.equal(
      events.some(({ type }) => type === 'lost'),
      false,
    );
  });

  it('does not end a connection whose PINGREQ waits behind a message that goes slowly', async (t) => {
    const clock = new ManualClock();
    const { broker, client, events } = await openClientRig(t, kindly, { keepAliveS: 10, clock });
    const [peer] = broker.clients;
    assert.ok(peer !== undefined);
    peer.socket.pause();
    await client.publish(messageOf('a', 0, 60_000_000));
    await new Promise((resolve) => setImmediate(resolve));
    const told = (): boolean => events.some(({ type }) => type === 'lost');
    for (let look = 0; look < 6; look++) {
      const before = peer.socket.bytesRead;
      peer.socket.resume();
      await until('it has read some', () => peer.socket.bytesRead > before + 5_000_000);
      peer.socket.pause();
      clock.advance(5000);
      assert.equal(told(), false);
    }
    for (let look = 0; look < 3; look++) clock.advance(5000);
    await until('it is given up, as it takes nothing', told);
    peer.socket.resume();
  });
});

describe('a CONNECT that cannot be', () => {
  it('is over where the server goes on with AUTH, and says so', async (t) => {
    const broker = await ScriptedBroker.start((packet, peer) => {
      if (packet.type !== 'connect') return;
      const properties = { authenticationMethod: 'SCRAM-SHA-256', authenticationData: Buffer.from('r=1') };
      peer.send({ type: 'auth', reasonCode: 0x18, properties });
    });
    t.after(() => broker.close());
    const connectProperties = { authenticationMethod: 'SCRAM-SHA-256' };
    await assert.rejects(connectMqtt(broker.url, { connectProperties }), {
      code: 'BROKER_REFUSED',
      message: /refused the connection: .*it goes on with AUTH, which this client does not answer/,
    });
  });

  const long = 'x'.repeat(65_536);
  const options: Record<string, MqttClientOptions> = {
    'has a password without a user': { protocolVersion: 4, password: 'secret' },
    'has a user that is too long': { user: long },
    'has a Will that is too long': { will: { topicName: 'gone', payload: Buffer.from(long) } },
    'has a client id with half a character': { clientId: '\ud800' },
    'has a Keep Alive that is not whole': { keepAliveS: 1.5 },
  };
  for (const [what, each] of Object.entries(options)) {
    it(`is told of, where it ${what}`, async (t) => {
      const broker = await ScriptedBroker.start(() => {});
      t.after(() => broker.close());
      await assert.rejects(connectMqtt(broker.url, { protocolVersion: 5, ...each }), {
        code: 'CONFIG_INVALID',
      });
    });
  }
});

describe('close', () => {
  it('says DISCONNECT after what was sent, and is told once', async (t) => {
    const { broker, client } = await openClientRig(t, kindly);
    client.send(messageOf('a', 0));
    const waiting = assert.rejects(client.publish(messageOf('b', 2)), { code: 'BUS_CLOSED' });
    await Promise.all([client.close(), client.close(), waiting]);
    assert.equal(client.state, ClientState.CLOSED);
    await until('it is told', () => broker.packetsOf('disconnect').length === 1);
    assert.deepEqual(
      broker.packets.map(({ type }) => type),
      ['connect', 'publish', 'publish', 'disconnect'],
    );
    await assert.rejects(client.subscribe('a'), { code: 'BUS_CLOSED' });
  });

  it('ends an attempt, and the pause before one', async (t) => {
    const broker = await ScriptedBroker.start(() => {});
    t.after(() => broker.close());
    const dialling = await connectMqtt(broker.url, { waitsForConnection: false });
    await until('it has asked', () => broker.packetsOf('connect').length === 1);
    await dialling.close();
    const refusing = await ScriptedBroker.start((_, { socket }) => socket.destroy());
    t.after(() => refusing.close());
    let retries = 0;
    const waiting = await connectMqtt(refusing.url, {
      waitsForConnection: false,
      reconnectMinMs: 100_000,
      reconnectMaxMs: 100_000,
      onEvent: ({ type }) => (retries += Number(type === 'retrying')),
    });
    await until('an attempt has failed', () => retries === 1);
    assert.equal(waiting.state, ClientState.WAITING);
    await waiting.close();
    assert.equal(waiting.state, ClientState.CLOSED);
  });

  it('waits for a slow broker that still takes what was sent, longer than closeTimeoutMs', async (t) => {
    const { broker, client, events } = await openClientRig(t, kindly, { closeTimeoutMs: 1 });
    const [peer] = broker.clients;
    peer?.socket.pause();
    await client.publish(messageOf('a', 0, 20_000_000));
    const closed = client.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    peer?.socket.resume();
    await closed;
    await until('all has come', () => broker.packetsOf('disconnect').length === 1);
    assert.equal(broker.packetsOf('publish')[0]?.payload.length, 20_000_000);
    assert.equal(
      events.some(({ type }) => type === 'cut'),
      false,
    );
  });

  it('cuts a broker that takes nothing, and says that messages are lost', async (t) => {
    const { broker, client, events } = await openClientRig(t, kindly, { closeTimeoutMs: 1, timeoutMs: 30 });
    broker.clients[0]?.socket.pause();
    await client.publish(messageOf('a', 0, 20_000_000));
    await client.close();
    const cut = events.find(({ type }) => type === 'cut');
    assert.ok(cut?.type === 'cut');
    assert.equal(cut.error.code, 'BROKER_LOST');
  });

  it('does not wait for a broker that does not end its side', async (t) => {
    const { broker, client } = await openClientRig(t, kindly, { closeTimeoutMs: 1 });
    broker.clients[0]?.socket.pause();
    await client.close();
  });
});

describe('subscriptions after a loss', () => {
  it('are restored before anything is sent, and asked again where they were not answered', async (t) => {
    const { broker, client, events } = await openClientRig(t, (packet, peer) => {
      const isFirst = peer.number === 1;
      if (!isFirst || packet.type !== 'subscribe' || packet.subscriptions[0]?.topicFilter !== 'late')
        kindly(packet, peer);
    });
    await client.subscribe('early', { qos: 1, subscriptionIdentifier: 9, noLocal: true });
    await client.subscribe('ended');
    const late = client.subscribe('late');
    await client.unsubscribe('ended');
    broker.clients[0]?.socket.destroy();
    await until('it is lost', () => events.some(({ type }) => type === 'lost'));
    await client.publish(messageOf('message', 1));
    await late;
    const after = broker.packets.slice(broker.packets.findLastIndex(({ type }) => type === 'connect') + 1);
    assert.deepEqual(
      after.map((packet) =>
        packet.type === 'subscribe' ? packet.subscriptions[0]?.topicFilter : packet.type,
      ),
      ['early', 'late', 'publish'],
    );
    const [restored] = after;
    assert.ok(restored?.type === 'subscribe');
    assert.partialDeepStrictEqual(restored.subscriptions[0], { qos: 1, noLocal: true });
    assert.equal(restored.properties.subscriptionIdentifier, 9);
  });

  it('are not waited for for ever', async (t) => {
    const clock = new ManualClock();
    const reconnectMaxMs = 5;
    const timeoutMs = 600_000;
    const { broker, client, events } = await openClientRig(
      t,
      (packet, peer) => {
        if (peer.number !== 2 || packet.type !== 'subscribe') kindly(packet, peer);
      },
      { clock, reconnectMaxMs, timeoutMs, keepAliveS: 0 },
    );
    const reconnected = (what: string, check: () => boolean): Promise<boolean> =>
      until(what, () => {
        clock.advance(reconnectMaxMs);
        return check();
      });
    await client.subscribe('a');
    broker.clients[0]?.socket.destroy();
    await reconnected('it is asked', () => broker.packetsOf('subscribe').length === 2);
    clock.advance(timeoutMs);
    await reconnected(
      'it is connected again',
      () => events.filter(({ type }) => type === 'connected').length === 2,
    );
    assert.equal(broker.clients.length, 3);
  });

  it('that ends while it is restored ends at the broker too', async (t) => {
    const { broker, client } = await openClientRig(t, (packet, peer) => {
      if (peer.number === 1 || packet.type !== 'subscribe') kindly(packet, peer);
    });
    await client.subscribe('a');
    broker.clients[0]?.socket.destroy();
    await until('it is being restored', () => broker.packetsOf('subscribe').length === 2);
    const ended = client.unsubscribe('a');
    const packetId = broker.packetsOf('subscribe')[1]!.packetId;
    broker.clients[1]?.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0] });
    await ended;
    assert.deepEqual(broker.packetsOf('unsubscribe')[0]?.topicFilters, ['a']);
    broker.clients[1]?.socket.destroy();
    await until('it is connected again', () => broker.clients.length === 3 && client.isConnected);
    assert.equal(broker.packetsOf('subscribe').length, 2);
  });

  it('that ended while the broker was away end there too, where it kept them', async (t) => {
    const { broker, client, events } = await openClientRig(
      t,
      (packet, peer) => {
        if (packet.type === 'connect') peer.send(WELCOME_BACK);
        else kindly(packet, peer);
      },
      { cleanStart: false, sessionExpiryInterval: 60, reconnectMinMs: 50, reconnectMaxMs: 50 },
    );
    await client.subscribe('a');
    broker.clients[0]?.socket.destroy();
    await until('it is lost', () => events.some(({ type }) => type === 'lost'));
    await client.unsubscribe('a');
    assert.equal(broker.packetsOf('unsubscribe').length, 1);
  });
});
