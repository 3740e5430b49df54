import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startRig } from '../../helpers/mqtt-broker-rig.ts';
import { MemoryTransport } from '../../helpers/memory-transport.ts';
import { turnEnd, WireClient } from '../../helpers/mqtt-wire-client.ts';
import { Ledger } from '../../../src/base/ledger.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { Broker } from '../../../src/mqtt/broker/broker.ts';
import type { BrokerOptions } from '../../../src/mqtt/broker/options.ts';

async function start(t: TestContext, options: BrokerOptions = {}) {
  const { broker, clock, lines } = await startRig(t, options);
  const open = (address = '10.0.0.1', acceptor: Pick<Broker, 'accept'> = broker) => {
    const transport = new MemoryTransport({ address });
    return { transport, isAccepted: transport.connect(acceptor) };
  };
  return { broker, clock, lines, open };
}

describe('what comes to a listener', () => {
  it('is limited by maxConnections; one that goes makes room', async (t) => {
    const { broker, open, lines } = await start(t, { maxConnections: 2 });
    const [first, , third] = [open(), open(), open()];
    assert.deepEqual([first.isAccepted, third.isAccepted], [true, false]);
    await turnEnd();
    assert.equal(third.transport.isClosed, true);
    assert.deepEqual([broker.stats.connectionsAccepted, broker.stats.connectionsRefused], [2, 1]);
    assert.match(lines.at(-1)!.text, /maxConnections is 2/u);
    first.transport.breakOff();
    assert.equal(open().isAccepted, true);
    assert.equal(open().isAccepted, false);
  });

  it('makes room for a newcomer where one address has all places: its oldest that is silent goes', async (t) => {
    const { broker } = await start(t, { maxConnections: 4 });
    const clientAt = (address: string): WireClient => new WireClient(broker, 5, { address });
    const crowd = ['a', 'b', 'c', 'd'].map(() => clientAt('10.0.0.1'));
    await crowd[0]!.connect();
    const newcomer = clientAt('10.0.0.2');
    assert.equal((await newcomer.connect()).reasonCode, ReasonCode.SUCCESS);
    await crowd[1]!.expectClosed();
    await clientAt('10.0.0.2').connect();
    await crowd[2]!.expectClosed();
    await clientAt('10.0.0.2').expectClosed();
    const { connectionsRefused, connectionsYielded } = broker.stats;
    assert.deepEqual([broker.counts.connections, connectionsRefused, connectionsYielded], [4, 1, 2]);
    await crowd[0]!.subscribe('still/there');
  });

  it('is limited by maxConnectionsPerAddress, but where there is no address', async (t) => {
    const { open } = await start(t, { maxConnectionsPerAddress: 2 });
    const first = open('10.0.0.1');
    open('10.0.0.1');
    assert.equal(open('10.0.0.1').isAccepted, false);
    assert.equal(open('10.0.0.2').isAccepted, true);
    for (let count = 0; count < 5; count++) assert.equal(open('').isAccepted, true);
    first.transport.breakOff();
    assert.equal(open('10.0.0.1').isAccepted, true);
    assert.equal(open('10.0.0.1').isAccepted, false);
  });

  it('is counted by its address, where the ledger does not tell it apart too', async (t) => {
    const ledger = new Ledger({ maxParties: 2 });
    const { open } = await start(t, { ledger, maxConnectionsPerAddress: 2, maxConnections: 6 });
    for (const host of [1, 2, 3, 4]) assert.equal(open(`10.0.0.${host}`).isAccepted, true, `host ${host}`);
    assert.equal(open('10.0.0.4').isAccepted, true);
    assert.equal(open('10.0.0.4').isAccepted, false);
    assert.equal(open('').isAccepted, true);
    assert.equal(open('10.0.0.5').isAccepted, true, 'one of 10.0.0.4 has made room');
    assert.equal(open('10.0.0.6').isAccepted, false, 'nobody has more than one more');
    assert.equal(open('10.0.0.4').isAccepted, false);
  });

  it('is limited by maxConnectsPerSecond: one second of it at once, then as time goes on', async (t) => {
    const { open, clock } = await start(t, { maxConnectsPerSecond: 10 });
    const accepted = (): number => {
      let count = 0;
      while (open().isAccepted) count++;
      return count;
    };
    assert.equal(accepted(), 10);
    clock.advance(99);
    assert.equal(accepted(), 0);
    clock.advance(1);
    assert.equal(accepted(), 1);
    clock.advance(60_000);
    assert.equal(accepted(), 10);
  });

  it('that is refused for long is told of now and then, each reason for itself', async (t) => {
    const { open, clock, lines } = await start(t, {
      maxConnections: 2,
      maxConnectionsPerAddress: 1,
      connectTimeoutMs: 60_000,
    });
    open('10.0.0.1');
    for (let count = 0; count < 100; count++) open('10.0.0.1');
    assert.equal(lines.length, 1);
    open('10.0.0.2');
    for (let count = 0; count < 100; count++) open('10.0.0.3');
    assert.equal(lines.length, 2);
    clock.advance(10_000);
    open('10.0.0.3');
    assert.equal(lines.length, 3);
  });

  it('counts for its own listener', async (t) => {
    const { broker, open } = await start(t);
    const one = broker.acceptor({ name: 'one', maxConnections: 1 });
    const other = broker.acceptor({ name: 'other', maxConnections: 1 });
    assert.equal(open('10.0.0.1', one).isAccepted, true);
    assert.equal(open('10.0.0.1', one).isAccepted, false);
    assert.equal(open('10.0.0.1', other).isAccepted, true);
    assert.equal(broker.counts.connections, 2);
  });

  it('is refused before the broker is started, and after it was closed', async () => {
    const broker = new Broker();
    const early = new MemoryTransport();
    assert.equal(early.connect(broker), false);
    await broker.start();
    await broker.close();
    const late = new MemoryTransport();
    assert.equal(late.connect(broker.acceptor({ name: 'x' })), false);
    await turnEnd();
    assert.deepEqual([early.isClosed, late.isClosed], [true, true]);
  });
});

describe('a listener with rules of its own', () => {
  it('says them in the CONNACK, and holds its clients to them', async (t) => {
    const { broker } = await start(t, { maximumQos: 2 });
    const acceptor = broker.acceptor({
      name: 'narrow',
      maximumQos: 0,
      serverKeepAlive: 30,
      receiveMaximum: 5,
    });
    const narrow = new WireClient(acceptor);
    const { properties } = await narrow.connect();
    assert.deepEqual(
      [properties.maximumQos, properties.serverKeepAlive, properties.receiveMaximum],
      [0, 30, 5],
    );
    const wide = new WireClient(broker);
    assert.equal((await wide.connect()).properties.maximumQos, undefined);
    narrow.publish('a', 'x', { qos: 1 });
    assert.equal((await narrow.expect('disconnect')).reasonCode, 0x9b);
  });

  it('asks its own hooks before those of the broker', async (t) => {
    const asked: string[] = [];
    const hook = (name: string) => ({
      name,
      authenticate: () => {
        asked.push(name);
        return { allow: true } as const;
      },
    });
    const { broker } = await start(t, { hooks: [hook('broker')] });
    const acceptor = broker.acceptor({ name: 'own', hooks: [hook('own 1'), hook('own 2')] });
    await new WireClient(acceptor).connect();
    assert.deepEqual(asked, ['own 1', 'own 2', 'broker']);
    await new WireClient(broker).connect();
    assert.deepEqual(asked.slice(3), ['broker']);
  });
});
