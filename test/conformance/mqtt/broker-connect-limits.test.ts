import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeptKind } from '../../../src/base/kept-kinds.ts';
import { Ledger } from '../../../src/base/ledger.ts';
import { Broker } from '../../../src/mqtt/broker/broker.ts';
import type { ClientInfo } from '../../../src/mqtt/broker/hooks.ts';
import { NUMBER_OPTIONS } from '../../../src/mqtt/broker/options.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { MemoryTransport } from '../../helpers/memory-transport.ts';
import {
  Attendance,
  connectBytes,
  lasting,
  startRig,
  textOf,
  VERSION_NAMES,
  VERSIONS,
  willOf,
} from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, turnEnd, WireClient } from '../../helpers/mqtt-wire-client.ts';

/** Keeps what was logged as a warning. */
function listeningLog() {
  const warnings: string[] = [];
  const ignore = (): void => {};
  const warn = (_: object, text: string): void => void warnings.push(text);
  return { warnings, log: { debug: ignore, info: ignore, warn, error: ignore } };
}

/** What stands before the first `-` of a Client Identifier. */
const partyOfId = ({ clientId }: ClientInfo): string => clientId.split('-')[0]!;

describe('how many connections there may be', () => {
  it('maxConnections: one more is refused without a word, and a place that is left is free again', async (t) => {
    const { warnings, log } = listeningLog();
    const { broker, open } = await startRig(t, { maxConnections: 2, log });
    const first = open();
    const silent = open();
    await first.connect();
    const refused = open();
    refused.send(connectPacket(5));
    await refused.expectClosed();
    assert.equal(broker.counts.connections, 2);
    silent.transport.breakOff();
    assert.equal((await open().connect()).reasonCode, ReasonCode.SUCCESS);
    assert.deepEqual([broker.stats.connectionsAccepted, broker.stats.connectionsRefused], [3, 1]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^connections to default are refused: maxConnections is 2: raise it, or/);
  });

  it('maxConnections: is for each listener', async (t) => {
    const { broker, open } = await startRig(t, { maxConnections: 1 });
    const side = broker.acceptor({ name: 'side', maxConnections: 2 });
    for (let count = 0; count < 2; count++) await new WireClient(side).connect();
    await open().connect();
    await new WireClient(side).expectClosed();
    await open().expectClosed();
    assert.equal(broker.counts.connections, 3);
  });

  it('maxConnectionsPerAddress: is counted for each address, and not where there is none', async (t) => {
    const { broker, open } = await startRig(t, { maxConnectionsPerAddress: 2 });
    const from = (address: string) => open(5, { address });
    const first = from('192.0.2.1');
    await first.connect();
    await from('192.0.2.1').connect();
    await from('192.0.2.1').expectClosed();
    await from('192.0.2.2').connect();
    for (let count = 0; count < 4; count++) await from('').connect();
    assert.equal(broker.stats.connectionsRefused, 1);
    first.disconnect();
    await first.expectClosed();
    await from('192.0.2.1').connect();
    await from('192.0.2.1').expectClosed();
  });

  it('maxConnectsPerSecond: a second brings as many again, and waiting longer not more', async (t) => {
    const { broker, clock, open } = await startRig(t, { maxConnectsPerSecond: 4 });
    const accepted = (): number => {
      const before = broker.stats.connectionsAccepted;
      for (let count = 0; count < 10; count++) open();
      return broker.stats.connectionsAccepted - before;
    };
    assert.equal(accepted(), 4);
    assert.equal(accepted(), 0);
    clock.advance(500);
    assert.equal(accepted(), 2);
    clock.advance(60_000);
    assert.equal(accepted(), 4);
    assert.equal(broker.stats.connectionsRefused, 30);
  });

  it('a refusal is logged once in ten seconds', async (t) => {
    const { warnings, log } = listeningLog();
    const { clock, open } = await startRig(t, { maxConnections: 1, log });
    open();
    for (let count = 0; count < 3; count++) open();
    assert.equal(warnings.length, 1);
    clock.advance(9999);
    open();
    open();
    assert.equal(warnings.length, 1);
    clock.advance(1);
    open();
    assert.equal(warnings.length, 2);
  });
});

describe('what a CONNECT may take', () => {
  it('maxConnectBytes: a larger one ends the connection when its length is known', async (t) => {
    const { broker, open } = await startRig(t, { maxConnectBytes: 64 });
    const exact = connectBytes(5, { clientId: 'a'.repeat(49) });
    assert.equal(exact.length, 64);
    const allowed = open();
    allowed.sendBytes(exact);
    assert.equal((await allowed.expect('connack')).reasonCode, ReasonCode.SUCCESS);
    const refused = open();
    refused.sendBytes(connectBytes(5, { clientId: 'a'.repeat(50) }).subarray(0, 2));
    assert.equal((await refused.bytes()).length, 0);
    assert.ok(refused.transport.isClosed);
    assert.equal(broker.stats.protocolErrors, 1);
  });

  it('maxConnectBytes: is about the CONNECT only', async (t) => {
    const { subscribed, connected } = await startRig(t, { maxConnectBytes: 64 });
    const subscriber = await subscribed('t');
    const publisher = await connected();
    publisher.publish('t', 'x'.repeat(1000));
    assert.equal((await subscriber.expect('publish')).payload.length, 1000);
  });

  it('[MQTT-3.1.0-1] a length that no packet has ends the connection', async (t) => {
    const { open } = await startRig(t);
    for (const bytes of ['10 ff ff ff 7f', '10 ff ff ff ff', '10 80 80 80 80 01']) {
      const client = open();
      client.sendBytes(bytes);
      assert.equal((await client.bytes()).length, 0);
      assert.ok(client.transport.isClosed, bytes);
    }
  });
});

describe('how long a CONNECT may take', () => {
  it('connectTimeoutMs: silence ends the connection, without a word', async (t) => {
    const { broker, clock, open } = await startRig(t, { connectTimeoutMs: 5000 });
    const client = open();
    clock.advance(4999);
    await client.expectNothing();
    assert.equal(client.transport.isClosed, false);
    clock.advance(251);
    await client.expectClosed();
    assert.deepEqual([broker.stats.connectTimeouts, broker.stats.connectsRefused], [1, 0]);
  });

  it('connectTimeoutMs: a CONNECT that dribbles in does not prolong it', async (t) => {
    const { broker, clock, open } = await startRig(t, { connectTimeoutMs: 5000 });
    const client = open();
    const bytes = connectBytes(5);
    let sent = 0;
    while (!client.transport.isClosed && sent < bytes.length - 1) {
      client.sendBytes([bytes[sent++]!]);
      clock.advance(1000);
      await turnEnd();
    }
    assert.equal(sent, 5);
    assert.equal((await client.bytes()).length, 0);
    assert.equal(broker.stats.connectTimeouts, 1);
  });

  it('connectTimeoutMs: is over once the client is connected', async (t) => {
    const { broker, clock, open } = await startRig(t, { connectTimeoutMs: 5000 });
    const client = open();
    await client.connect();
    clock.advance(60_000);
    await client.expectNothing();
    assert.equal(client.transport.isClosed, false);
    assert.equal(broker.stats.connectTimeouts, 0);
  });
});

describe('how many sessions there may be', () => {
  it('maxSessions: one more is refused with 0x97, and those that are there may come back', async (t) => {
    const { broker, clock, open } = await startRig(t, { maxSessions: 2 });
    const properties = { sessionExpiryInterval: 60 };
    const first = open();
    await first.connect({ clientId: 'a', properties });
    await open().connect({ clientId: 'b' });
    const refused = open();
    const connack = await refused.connect({ clientId: 'c' });
    assert.equal(connack.reasonCode, ReasonCode.QUOTA_EXCEEDED);
    await refused.expectClosed();
    for (const cleanStart of [false, true]) {
      const { reasonCode, sessionPresent } = await open().connect({ clientId: 'a', cleanStart, properties });
      assert.deepEqual([reasonCode, sessionPresent], [ReasonCode.SUCCESS, !cleanStart]);
    }
    assert.equal(broker.counts.sessions, 2);
    broker.disconnectClient('a');
    clock.advance(60_250);
    assert.equal((await open().connect({ clientId: 'c' })).reasonCode, ReasonCode.SUCCESS);
  });

  it('maxSessions: the session yields whose client has been away longest, and its Will goes', async (t) => {
    const { broker, connected, sessionIds, lines } = await startRig(t, { maxSessions: 4 });
    const watcher = await connected({ clientId: 'watcher' });
    await watcher.subscribe('#');
    const willMessage = willOf({ topicName: 'gone', properties: { willDelayInterval: 60 } });
    for (const clientId of ['a', 'b', 'c']) {
      const client = await connected({ ...lasting(clientId), ...(clientId === 'b' && { willMessage }) });
      client.transport.breakOff();
    }
    // It comes back, and is the last one now.
    (await connected(lasting('a'))).transport.breakOff();
    await connected({ clientId: 'd' });
    assert.deepEqual(sessionIds().toSorted(), ['a', 'c', 'd', 'watcher']);
    assert.equal((await watcher.expect('publish')).topicName, 'gone');
    await connected({ clientId: 'e' });
    assert.deepEqual(sessionIds().toSorted(), ['a', 'd', 'e', 'watcher']);
    assert.equal(broker.stats.sessionsYielded, 2);
    assert.ok(
      lines.some(({ text }) => text.startsWith('the session of b, whose client has been away longest')),
    );
  });

  for (const [how, leaves] of [
    ['away', true],
    ['connected', false],
  ] as const) {
    it(`maxSessions: who has many sessions, ${how}, takes no place from those who have fewer`, async (t) => {
      const { broker, connected, open } = await startRig(t, { maxSessions: 20, partyOf: partyOfId });
      for (const clientId of ['victim-1', 'victim-2']) {
        const victim = await connected(lasting(clientId));
        await victim.subscribe('orders', { qos: 1 });
        victim.transport.breakOff();
      }
      const publisher = await connected({ clientId: 'publisher-1' });
      publisher.publish('orders', 'paid', { qos: 1, packetId: 1 });
      await publisher.expect('puback');
      const codes = new Set<ReasonCode>();
      for (let count = 0; count < 25; count++) {
        const mallory = open();
        codes.add((await mallory.connect(lasting(`mallory-${count}`))).reasonCode);
        if (leaves) mallory.transport.breakOff();
      }
      assert.deepEqual(
        [...codes],
        leaves ? [ReasonCode.SUCCESS] : [ReasonCode.SUCCESS, ReasonCode.QUOTA_EXCEEDED],
      );
      for (const clientId of ['victim-1', 'victim-2']) {
        const back = await connected(lasting(clientId));
        assert.equal(textOf(await back.expect('publish')), 'paid');
      }
      // Another who has none gets a place of the one who has most, where that one is away.
      const { reasonCode } = await open().connect({ clientId: 'new-1' });
      assert.equal(reasonCode, leaves ? ReasonCode.SUCCESS : ReasonCode.QUOTA_EXCEEDED);
      assert.equal(broker.counts.sessions, 20);
    });
  }

  it('maxSessions: where all have as many, a newcomer is refused and nobody loses anything', async (t) => {
    const { broker, connected, open, sessionIds } = await startRig(t, { maxSessions: 2, partyOf: partyOfId });
    for (const clientId of ['a-1', 'b-1']) (await connected(lasting(clientId))).transport.breakOff();
    const { reasonCode } = await open().connect(lasting('c-1'));
    assert.equal(reasonCode, ReasonCode.QUOTA_EXCEEDED);
    assert.deepEqual([sessionIds(), broker.stats.sessionsYielded], [['a-1', 'b-1'], 0]);
    // One of its own yields.
    await connected(lasting('a-2'));
    assert.deepEqual(sessionIds(), ['b-1', 'a-2']);
  });

  it('the ledger: a Will without room costs no session', async (t) => {
    const ledger = new Ledger({
      limits: { [KeptKind.SESSION]: 20 * 1024, [KeptKind.WILL]: 1024 },
    });
    const { broker, connected, open, sessionIds } = await startRig(t, { ledger, partyOf: partyOfId });
    let count = 0;
    // As many as it may have: the next one makes room by its own.
    for (; broker.stats.sessionsYielded === 0; count++)
      (await connected(lasting(`many-${count}`))).transport.breakOff();
    const before = sessionIds();
    const willMessage = willOf({ payload: Buffer.alloc(2048) });
    const { reasonCode } = await open().connect({ ...lasting('many-will'), willMessage });
    assert.equal(reasonCode, ReasonCode.QUOTA_EXCEEDED);
    assert.deepEqual([sessionIds(), broker.stats.sessionsYielded], [before, 1]);
  });

  it('the ledger: a party that has its share makes room by its own sessions, and keeps them where that is not enough', async (t) => {
    const ledger = new Ledger({ limits: { [KeptKind.SESSION]: 100 * 1024 } });
    const { connected, open, sessionIds } = await startRig(t, { ledger, partyOf: partyOfId });
    const ofParty = (party: string): string[] => sessionIds().filter((id) => id.startsWith(`${party}-`));
    (await connected(lasting('other-1'))).transport.breakOff();
    let count = 0;
    // Everything is away: each new one has room.
    for (; count < 200; count++) (await connected(lasting(`many-${count}`))).transport.breakOff();
    assert.ok(ofParty('many').length < 200);
    assert.ok(ofParty('many').includes(`many-${count - 1}`), 'the last that came');
    assert.ok(!ofParty('many').includes('many-0'), 'the first that left');
    assert.deepEqual(ofParty('other'), ['other-1'], 'nobody else pays for it');
    assert.equal((await open().connect({ clientId: 'new-1' })).reasonCode, ReasonCode.SUCCESS);
  });

  for (const version of [3, 4] as const) {
    it(`maxSessions: is return code 3 before MQTT 5.0 (${VERSION_NAMES[version]})`, async (t) => {
      const { open } = await startRig(t, { maxSessions: 1 });
      await open().connect();
      const refused = open(version);
      refused.sendBytes(connectBytes(version));
      assert.equal((await refused.bytes()).toString('hex'), '20020003');
      assert.ok(refused.transport.isClosed);
    });
  }
});

describe('how a connection ends', () => {
  it('lingerMs: is given to the transport, so that the last words can go', async (t) => {
    const { broker, open } = await startRig(t, { lingerMs: 777 });
    const lingered: number[] = [];
    class LingeringTransport extends MemoryTransport {
      override end(lingerMs?: number): void {
        lingered.push(lingerMs!);
        super.end();
      }
    }
    const transport = new LingeringTransport();
    transport.connect(broker);
    transport.send(connectBytes(5, { clientId: 'a' }));
    await turnEnd();
    transport.read();
    await open().connect({ clientId: 'a' });
    assert.deepEqual(lingered, [777]);
    assert.equal(transport.read()[0], 0xe0);
  });

  it('section 4.13: a broker that closes says 0x8B to those that are connected, and ends the others', async (t) => {
    const attendance = new Attendance();
    const { broker, open } = await startRig(t, { hooks: [attendance] });
    const clients = VERSIONS.map((version) => open(version));
    for (const client of clients) await client.connect();
    const silent = open();
    await broker.close();
    for (const client of clients) {
      if (client.version === 5) {
        assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.SERVER_SHUTTING_DOWN);
      }
      await client.expectClosed();
    }
    assert.equal((await silent.bytes()).length, 0);
    assert.ok(silent.transport.isClosed);
    assert.equal(attendance.left.length, 3);
    assert.equal(broker.counts.connections, 0);
    await open().expectClosed();
  });

  it('section 4.13: a broker that was not started refuses', async () => {
    const broker = new Broker();
    await new WireClient(broker).expectClosed();
    assert.equal(broker.counts.connections, 0);
  });
});

describe('the bounds of the options', () => {
  for (const [name, { min, max }] of Object.entries(NUMBER_OPTIONS)) {
    it(`${name} is from ${min} to ${max}`, () => {
      const withValue = (value: unknown) => () => new Broker({ [name]: value });
      for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, '1', null]) {
        assert.throws(withValue(value), { code: 'MQTT_OPTION_INVALID' }, String(value));
      }
      assert.doesNotThrow(withValue(min));
      assert.doesNotThrow(withValue(undefined));
      const broker = new Broker();
      assert.throws(() => broker.acceptor({ name: 'l', [name]: min - 1 }), { code: 'MQTT_OPTION_INVALID' });
    });
  }
});
