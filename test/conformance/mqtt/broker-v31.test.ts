import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { connectBytes, startRig, willOf } from '../../helpers/mqtt-broker-rig.ts';

const V = 3;
const ACCEPTED = '20020000';
/** Protocol name and level of MQTT 3.1. */
const MQISDP = '0006 4d5149736470 03';

/** A CONNECT of MQTT 3.1 with these bytes after the protocol level. */
function connectWith(rest: string, firstByte = '10'): string {
  const body = `${MQISDP}${rest}`.replaceAll(' ', '');
  return `${firstByte}${(body.length / 2).toString(16).padStart(2, '0')}${body}`;
}

describe('a CONNECT of MQTT 3.1', () => {
  it('section 3.1: is accepted under its own protocol name', async (t) => {
    const { broker, open } = await startRig(t);
    const client = open(V);
    client.sendBytes(connectWith('02 0000 0001 61'));
    assert.equal((await client.bytes()).toString('hex'), ACCEPTED);
    assert.equal(Array.from(broker.sessions())[0]?.client.protocolVersion, 3);
  });

  it('section 3.1: under the name of later versions is answered with 1', async (t) => {
    const { open } = await startRig(t);
    const client = open(V);
    client.sendBytes('10 0d 0004 4d515454 03 02 0000 0001 61');
    assert.equal((await client.bytes()).toString('hex'), '20020001');
    assert.ok(client.transport.isClosed);
  });

  for (const [what, hex] of [
    ['the reserved flag', connectWith('03 0000 0001 61')],
    ['QoS and Retain of a Will that is not there', connectWith('3a 0000 0001 61')],
    ['the flags of the Fixed Header, which are not used', connectWith('02 0000 0001 61', '1b')],
    ['a User Name Flag whose User Name an older client does not send', connectWith('82 0000 0001 61')],
    ['a Password Flag whose Password an older client does not send', connectWith('c2 0000 0001 61 0001 75')],
    ['a User Name and a Password', connectWith('c2 0000 0001 61 0001 75 0001 70')],
  ] as const) {
    it(`section 3.1: is accepted with ${what}`, async (t) => {
      const { open } = await startRig(t);
      const client = open(V);
      client.sendBytes(hex);
      assert.equal((await client.bytes()).toString('hex'), ACCEPTED);
    });
  }

  it('section 3.1: of zero bytes of Client Identifier is answered with 2', async (t) => {
    const { broker, open } = await startRig(t);
    for (const cleanStart of [false, true]) {
      const client = open(V);
      client.sendBytes(connectBytes(V, { clientId: '', cleanStart }));
      assert.equal((await client.bytes()).toString('hex'), '20020002');
      assert.ok(client.transport.isClosed);
    }
    assert.equal(broker.counts.sessions, 0);
  });

  for (const [reasonCode, expected] of [
    [ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, '20020002'],
    [ReasonCode.SERVER_UNAVAILABLE, '20020003'],
    [ReasonCode.BAD_USER_NAME_OR_PASSWORD, '20020004'],
    [ReasonCode.NOT_AUTHORIZED, '20020005'],
    [ReasonCode.UNSPECIFIED_ERROR, '20020003'],
  ] as const) {
    it(`section 3.2: refused with 0x${reasonCode.toString(16)} is answered with ${expected}`, async (t) => {
      const authenticate = () => ({ allow: false, reasonCode }) as const;
      const { open } = await startRig(t, { hooks: [{ name: 'guard', authenticate }] });
      const client = open(V);
      client.sendBytes(connectBytes(V));
      assert.equal((await client.bytes()).toString('hex'), expected);
      assert.ok(client.transport.isClosed);
    });
  }

  it('section 3.1: without Clean Session keeps its session, which the CONNACK does not tell', async (t) => {
    const { broker, clock, open } = await startRig(t);
    const first = open(V);
    await first.connect({ clientId: 'a', cleanStart: false });
    await first.subscribe('t', { qos: 1 });
    first.transport.breakOff();
    clock.advance(3_600_000);
    broker.publish({ topicName: 't', payload: 'x', qos: 1 });
    const second = open(V);
    second.sendBytes(connectBytes(V, { clientId: 'a', cleanStart: false }));
    assert.match((await second.bytes()).toString('hex'), /^20020000320600017400[0-9a-f]{2}78$/);
  });

  it('section 3.1: with Clean Session begins anew, and leaves nothing', async (t) => {
    const { broker, open } = await startRig(t);
    const first = open(V);
    await first.connect({ clientId: 'a', cleanStart: false });
    await first.subscribe('t');
    const second = open(V);
    await second.connect({ clientId: 'a', cleanStart: true });
    assert.equal(broker.counts.subscriptions, 0);
    second.disconnect();
    assert.equal(broker.counts.sessions, 0);
  });
});

describe('a connection of MQTT 3.1', () => {
  it('section 2.1: takes flags that are not used as they come', async (t) => {
    const { broker, connected } = await startRig(t);
    const client = await connected({ willMessage: willOf() }, V);
    client.sendBytes('cf 00 60 02 0009 ef 00');
    assert.equal((await client.bytes()).toString('hex'), '70020009d000');
    assert.ok(client.transport.isClosed);
    assert.deepEqual([broker.stats.protocolErrors, broker.stats.willsPublished], [0, 0]);
  });

  it('section 3.9: is granted QoS 0 where a subscription is refused, and gets nothing', async (t) => {
    const denial = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const;
    const { broker, connected } = await startRig(t, {
      hooks: [{ name: 'guard', authorizeSubscribe: () => denial }],
    });
    const client = await connected({}, V);
    assert.deepEqual((await client.subscribe('t', { qos: 1 })).reasonCodes, [0]);
    broker.publish({ topicName: 't', payload: 'x', qos: 1 });
    await client.expectNothing();
    assert.equal(broker.stats.subscribeDenied, 1);
  });

  it('section 2.1: of packet type 0 or 15 ends without a word', async (t) => {
    const { connected } = await startRig(t);
    for (const hex of ['00 00', 'f0 00']) {
      const client = await connected({}, V);
      client.sendBytes(hex);
      assert.equal((await client.bytes()).length, 0);
      assert.ok(client.transport.isClosed);
    }
  });
});
