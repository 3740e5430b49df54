import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type {
  AuthenticationMethod,
  AuthenticationStep,
  BrokerHooks,
  ClientInfo,
} from '../../../src/mqtt/broker/hooks.ts';
import type { BrokerOptions } from '../../../src/mqtt/broker/options.ts';
import type { AuthPacket } from '../../../src/mqtt/codec/auth.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  Attendance,
  bytesOf,
  startRig,
  willOf,
  type BrokerRig,
  type ConnectFields,
} from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, type WireClient } from '../../helpers/mqtt-wire-client.ts';

const NAME = 'COUNT';
const PINGREQ = { type: 'pingreq' } as const;

type Step = AuthenticationStep | Promise<AuthenticationStep>;
type Decide = (said: string, client: ClientInfo) => Step;

/** Asks `1?`, then `2?`, and believes who answers `1` and `2`. A user other than ana gives a name with the `2`. */
const count: Decide = (said) => {
  const [answer, userName = 'ana'] = said.split(' by ');
  if (answer === '') return { step: 'continue', data: Buffer.from('1?') };
  if (answer === '1') return { step: 'continue', data: Buffer.from('2?') };
  if (answer === '2') return { step: 'success', userName, data: Buffer.from('well done') };
  return { step: 'failure', reasonCode: ReasonCode.BAD_USER_NAME_OR_PASSWORD, reasonString: 'no number' };
};

const later =
  (decide: Decide): Decide =>
  (said, client) =>
    Promise.resolve(decide(said, client));

function methodOf(decide: Decide): AuthenticationMethod {
  return {
    name: NAME,
    begin: (client) => ({ next: (data) => decide(Buffer.from(data).toString(), client) }),
  };
}

function startWith(t: TestContext, decide: Decide, options: BrokerOptions = {}): Promise<BrokerRig> {
  const method: BrokerHooks = { name: 'method', authenticationMethods: [methodOf(decide)] };
  return startRig(t, { ...options, hooks: [method, ...(options.hooks ?? [])] });
}

function auth(reasonCode: AuthPacket['reasonCode'], said = '', authenticationMethod = NAME): AuthPacket {
  return {
    type: 'auth',
    reasonCode,
    properties: { authenticationMethod, authenticationData: Buffer.from(said) },
  };
}

const answer = (said: string): AuthPacket => auth(ReasonCode.CONTINUE_AUTHENTICATION, said);
const again = (said: string): AuthPacket => auth(ReasonCode.RE_AUTHENTICATE, said);

function connectOf(said?: string, fields: ConnectFields = {}, authenticationMethod = NAME) {
  const data = said === undefined ? {} : { authenticationData: Buffer.from(said) };
  return connectPacket(5, { ...fields, properties: { ...fields.properties, authenticationMethod, ...data } });
}

function textOf(data: Uint8Array | undefined): string | undefined {
  return data && Buffer.from(data).toString();
}

/** A client that has counted to two. */
async function authenticated({ open }: BrokerRig, fields: ConnectFields = {}): Promise<WireClient> {
  const client = open();
  client.send(connectOf('2', fields));
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SUCCESS);
  return client;
}

const KINDS = [
  ['at once', count],
  ['later', later(count)],
] as const;

describe('enhanced authentication', () => {
  for (const [kind, decide] of KINDS) {
    it(`[MQTT-4.12.0-2] [MQTT-4.12.0-5] goes through AUTH to CONNACK, step by step (${kind})`, async (t) => {
      const attendance = new Attendance();
      const { open } = await startWith(t, decide, { hooks: [attendance] });
      const client = open();
      client.send(connectOf(undefined, { clientId: 'a', userName: 'claimed' }));
      for (const [question, said] of [
        ['1?', '1'],
        ['2?', '2'],
      ] as const) {
        const { reasonCode, properties } = await client.expect('auth');
        assert.equal(reasonCode, ReasonCode.CONTINUE_AUTHENTICATION);
        assert.deepEqual(
          [properties.authenticationMethod, textOf(properties.authenticationData)],
          [NAME, question],
        );
        await client.expectNothing();
        client.send(answer(said));
      }
      const { reasonCode, properties } = await client.expect('connack');
      assert.equal(reasonCode, ReasonCode.SUCCESS);
      assert.deepEqual(
        [properties.authenticationMethod, textOf(properties.authenticationData)],
        [NAME, 'well done'],
      );
      assert.deepEqual([attendance.arrived[0]?.clientId, attendance.arrived[0]?.userName], ['a', 'ana']);
      client.send(PINGREQ);
      await client.expect('pingresp');
    });

    it(`section 4.12: may need no AUTH at all (${kind})`, async (t) => {
      const { open } = await startWith(t, decide);
      const client = open();
      client.sendBytes(bytesOf(5, connectOf('2'), PINGREQ));
      const types = (await client.all()).map(({ type }) => type);
      assert.deepEqual(types, ['connack', 'pingresp']);
    });

    it(`[MQTT-4.12.0-4] ends with the method's Reason Code at any step (${kind})`, async (t) => {
      const { broker, open } = await startWith(t, decide);
      for (const answers of [[], ['1']]) {
        const client = open();
        client.send(connectOf(answers.length === 0 ? 'wrong' : ''));
        for (const said of [...answers, 'wrong']) {
          if (answers.length === 0) break;
          await client.expect('auth');
          client.send(answer(said));
        }
        const { reasonCode, properties, sessionPresent } = await client.expect('connack');
        assert.deepEqual([reasonCode, sessionPresent], [ReasonCode.BAD_USER_NAME_OR_PASSWORD, false]);
        assert.equal(properties.reasonString, 'no number');
        await client.expectClosed();
      }
      assert.deepEqual([broker.counts.sessions, broker.stats.connectsRefused], [0, 2]);
    });
  }

  it('section 4.12: each CONNECT begins an exchange of its own, for its own client', async (t) => {
    const begun: string[] = [];
    const method: AuthenticationMethod = {
      name: NAME,
      begin({ clientId, peer }) {
        begun.push(`${clientId} from ${peer.address}`);
        return { next: (data) => count(Buffer.from(data).toString(), undefined as never) };
      },
    };
    const { open } = await startRig(t, { hooks: [{ name: 'm', authenticationMethods: [method] }] });
    const clients = ['a', 'b'].map((clientId) => {
      const client = open();
      client.send(connectOf('', { clientId }));
      return client;
    });
    for (const client of clients) assert.equal((await client.expect('auth')).reasonCode, 0x18);
    for (const client of clients.toReversed()) client.send(answer('2'));
    for (const client of clients) assert.equal((await client.expect('connack')).reasonCode, 0);
    assert.deepEqual(begun, ['a from 127.0.0.1', 'b from 127.0.0.1']);
  });

  it('section 4.12: is decided by its method alone', async (t) => {
    const denial = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const;
    const { open } = await startWith(t, count, { hooks: [{ name: 'guard', authenticate: () => denial }] });
    const client = open();
    client.send(connectOf('2'));
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SUCCESS);
    assert.equal((await open().connect()).reasonCode, ReasonCode.NOT_AUTHORIZED);
  });

  for (const name of ['count', 'COUNT ', '', 'SCRAM-SHA-1']) {
    it(`[MQTT-4.12.0-1] the method ${JSON.stringify(name)} is not ours, and answered with 0x8C`, async (t) => {
      const { open } = await startWith(t, count);
      const client = open();
      client.send(connectOf('2', {}, name));
      assert.equal((await client.expect('connack')).reasonCode, ReasonCode.BAD_AUTHENTICATION_METHOD);
      await client.expectClosed();
    });
  }

  it('[MQTT-4.12.0-1] every method is answered with 0x8C where there is none', async (t) => {
    const { open } = await startRig(t);
    const client = open();
    client.send(connectOf('2'));
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.BAD_AUTHENTICATION_METHOD);
    await client.expectClosed();
  });
});

describe('while the server waits for an AUTH', () => {
  for (const [what, packet] of [
    ['[MQTT-4.12.0-3] an AUTH with 0x19', again('1')],
    ['[MQTT-4.12.0-3] an AUTH with 0x00', auth(ReasonCode.SUCCESS, '1')],
    ['[MQTT-4.12.0-5] an AUTH of another method', auth(0x18, '1', 'OTHER')],
    ['[MQTT-3.1.2-30] a PINGREQ', PINGREQ],
    ['[MQTT-3.1.2-30] a CONNECT', connectOf('2')],
    [
      '[MQTT-3.1.2-30] an UNSUBSCRIBE',
      { type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['t'] },
    ],
    ['[MQTT-3.1.2-30] a PUBREL', { type: 'pubrel', packetId: 1, reasonCode: 0, properties: {} }],
  ] as const) {
    it(`${what} is answered with a CONNACK of 0x82`, async (t) => {
      const { broker, open } = await startWith(t, count);
      const client = open();
      client.send(connectOf(''));
      await client.expect('auth');
      client.send(packet);
      assert.equal((await client.expect('connack')).reasonCode, ReasonCode.PROTOCOL_ERROR);
      await client.expectClosed();
      assert.equal(broker.counts.sessions, 0);
    });
  }

  for (const [what, hex, reasonCode] of [
    ['[MQTT-3.15.1-1] reserved bits', 'f1 02 18 00', ReasonCode.MALFORMED_PACKET],
    ['[MQTT-3.15.2-1] the Reason Code 0x01', 'f0 02 01 00', ReasonCode.PROTOCOL_ERROR],
    ['section 3.15.2.2.2: an AUTH without method', 'f0 02 18 00', ReasonCode.PROTOCOL_ERROR],
    ['section 3.15.2.1: an AUTH of no bytes, which is Success', 'f0 00', ReasonCode.PROTOCOL_ERROR],
  ] as const) {
    it(`${what} is answered with a CONNACK of 0x${reasonCode.toString(16)}`, async (t) => {
      const { open } = await startWith(t, count);
      const client = open();
      client.send(connectOf(''));
      await client.expect('auth');
      client.sendBytes(hex);
      assert.equal((await client.expect('connack')).reasonCode, reasonCode);
      await client.expectClosed();
    });
  }

  it('[MQTT-3.1.2-30] a PUBLISH is not handled', async (t) => {
    const { broker, open } = await startWith(t, count);
    const client = open();
    client.send(connectOf(''));
    await client.expect('auth');
    client.publish('t', 'x', { retain: true });
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.PROTOCOL_ERROR);
    assert.deepEqual([broker.stats.publishReceived, broker.counts.retainedMessages], [0, 0]);
  });

  it('[MQTT-3.1.2-30] a DISCONNECT ends it without a word', async (t) => {
    const attendance = new Attendance();
    const { broker, open } = await startWith(t, count, { hooks: [attendance] });
    const client = open();
    client.send(connectOf('', { willMessage: willOf() }));
    await client.expect('auth');
    client.disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE);
    await client.expectClosed();
    assert.deepEqual([broker.counts.sessions, broker.stats.willsPublished], [0, 0]);
    assert.deepEqual([attendance.arrived, attendance.left], [[], []]);
  });

  it('connectTimeoutMs: the whole exchange has that time', async (t) => {
    const { broker, clock, open } = await startWith(t, count, { connectTimeoutMs: 5000 });
    const client = open();
    client.send(connectOf(''));
    await client.expect('auth');
    clock.advance(4000);
    client.send(answer('1'));
    await client.expect('auth');
    clock.advance(1250);
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SERVER_BUSY);
    await client.expectClosed();
    assert.equal(broker.stats.connectTimeouts, 1);
  });
});

describe('a method that fails', () => {
  const fail = (): never => {
    throw new Error('broken');
  };
  const huge: Decide = () => ({ step: 'continue', data: new Uint8Array(65_536) });
  const hugeSuccess: Decide = () => ({ step: 'success', userName: 'ana', data: new Uint8Array(65_536) });
  for (const [what, decide] of [
    ['throws', fail],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['asks with more data than a packet can hold', huge],
    ['asks with more data than a packet can hold, later', later(huge)],
    ['ends with more data than a packet can hold', hugeSuccess],
    ['ends with more data than a packet can hold, later', later(hugeSuccess)],
  ] as [string, Decide][]) {
    it(`section 4.12: one that ${what} is a refusal with 0x80, and is counted`, async (t) => {
      const { broker, open } = await startWith(t, decide);
      const client = open();
      client.send(connectOf('1'));
      assert.equal((await client.expect('connack')).reasonCode, ReasonCode.UNSPECIFIED_ERROR);
      await client.expectClosed();
      assert.deepEqual([broker.stats.hookFailures, broker.counts.sessions], [1, 0]);
    });
  }

  it('section 4.12: one that cannot begin is a refusal with 0x80, and is counted', async (t) => {
    const hooks = [{ name: 'm', authenticationMethods: [{ name: NAME, begin: fail }] }];
    const { broker, open } = await startRig(t, { hooks });
    const client = open();
    client.send(connectOf('1'));
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.UNSPECIFIED_ERROR);
    await client.expectClosed();
    assert.equal(broker.stats.hookFailures, 1);
  });

  it('[MQTT-3.2.2-8] a Reason Code that no CONNACK has becomes 0x87', async (t) => {
    for (const reasonCode of [0x00, 0x18, 0x8e, 0xa2] as const) {
      for (const wrap of [(decide: Decide) => decide, later]) {
        const { broker, open } = await startWith(
          t,
          wrap(() => ({ step: 'failure', reasonCode })),
        );
        const client = open();
        client.send(connectOf('1'));
        assert.equal((await client.expect('connack')).reasonCode, ReasonCode.NOT_AUTHORIZED);
        await client.expectClosed();
        assert.equal(broker.stats.protocolErrors, 0);
      }
    }
  });

  it('hookTimeoutMs: one that does not answer is a refusal with 0x88, whatever it says afterwards', async (t) => {
    const slow = Promise.withResolvers<AuthenticationStep>();
    const { broker, clock, open } = await startWith(t, () => slow.promise, { hookTimeoutMs: 2000 });
    const client = open();
    client.send(connectOf('1'));
    clock.advance(1999);
    await client.expectNothing();
    clock.advance(1);
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SERVER_UNAVAILABLE);
    await client.expectClosed();
    slow.resolve({ step: 'success', userName: 'ana' });
    await client.expectNothing();
    assert.deepEqual([broker.stats.hookTimeouts, broker.counts.sessions], [1, 0]);
  });

  for (const [what, settle] of [
    [
      'agrees',
      (slow: PromiseWithResolvers<AuthenticationStep>) => slow.resolve({ step: 'success', userName: 'a' }),
    ],
    [
      'asks',
      (slow: PromiseWithResolvers<AuthenticationStep>) =>
        slow.resolve({ step: 'continue', data: Buffer.of() }),
    ],
    ['rejects', (slow: PromiseWithResolvers<AuthenticationStep>) => slow.reject(new Error('broken'))],
  ] as const) {
    it(`section 4.12: a client that is gone when the method ${what} is forgotten`, async (t) => {
      const slow = Promise.withResolvers<AuthenticationStep>();
      const { broker, open } = await startWith(t, () => slow.promise);
      const client = open();
      client.send(connectOf('1'));
      client.transport.breakOff();
      settle(slow);
      await client.expectClosed();
      assert.deepEqual([broker.counts.connections, broker.counts.sessions], [0, 0]);
    });
  }

  it('section 4.12: what comes while it decides waits', async (t) => {
    const slow = Promise.withResolvers<AuthenticationStep>();
    const { open } = await startWith(t, (said) =>
      said === '1' ? slow.promise : count(said, undefined as never),
    );
    const client = open();
    client.sendBytes(bytesOf(5, connectOf('1'), answer('2'), PINGREQ));
    await client.expectNothing();
    slow.resolve({ step: 'continue', data: Buffer.from('2?') });
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['auth', 'connack', 'pingresp']);
  });
});

describe('an AUTH without Authentication Method in the CONNECT', () => {
  it('[MQTT-4.12.0-7] [MQTT-4.12.0-6] is answered with 0x82', async (t) => {
    for (const packet of [answer('1'), again('1'), auth(ReasonCode.SUCCESS)]) {
      const { open } = await startWith(t, count);
      const client = open();
      const { properties } = await client.connect();
      assert.equal(properties.authenticationMethod, undefined);
      client.send(packet);
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
      await client.expectClosed();
    }
  });

  for (const version of [3, 4] as const) {
    it(`[v3.1.1 MQTT-4.8.0-1] ends a connection of version ${version}, which has no AUTH`, async (t) => {
      const { open } = await startWith(t, count);
      const client = open(version);
      await client.connect();
      client.sendBytes('f0 00');
      assert.equal((await client.bytes()).length, 0);
      assert.ok(client.transport.isClosed);
    });
  }
});

describe('re-authentication', () => {
  for (const [kind, decide] of KINDS) {
    it(`[MQTT-4.12.1-1] [MQTT-4.12.0-5] goes through AUTH to AUTH, and the session stays (${kind})`, async (t) => {
      const rig = await startWith(t, decide);
      const client = await authenticated(rig);
      await client.subscribe('t');
      for (let round = 0; round < 2; round++) {
        client.send(again(''));
        assert.equal((await client.expect('auth')).reasonCode, ReasonCode.CONTINUE_AUTHENTICATION);
        client.publish('t', 'meanwhile');
        await client.expect('publish');
        client.send(answer('2'));
        const { reasonCode, properties } = await client.expect('auth');
        assert.equal(reasonCode, ReasonCode.SUCCESS);
        assert.deepEqual(
          [properties.authenticationMethod, textOf(properties.authenticationData)],
          [NAME, 'well done'],
        );
      }
      client.publish('t', 'afterwards');
      await client.expect('publish');
    });

    it(`[MQTT-4.12.1-2] ends the connection when it fails (${kind})`, async (t) => {
      const rig = await startWith(t, decide);
      const client = await authenticated(rig, { willMessage: willOf() });
      client.send(again('wrong'));
      const { reasonCode, properties } = await client.expect('disconnect');
      assert.deepEqual([reasonCode, properties.reasonString], [ReasonCode.NOT_AUTHORIZED, 'no number']);
      await client.expectClosed();
      assert.equal(rig.broker.stats.willsPublished, 1);
    });

    it(`[MQTT-4.12.1-2] ends the connection when it is another user (${kind})`, async (t) => {
      const rig = await startWith(t, decide);
      const client = await authenticated(rig);
      client.send(again('2 by ben'));
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.NOT_AUTHORIZED);
      await client.expectClosed();
    });
  }

  for (const [what, packets] of [
    ['[MQTT-4.12.1-1] of another method', [auth(ReasonCode.RE_AUTHENTICATE, '2', 'OTHER')]],
    ['section 4.12.1: that begins with 0x18', [answer('2')]],
    ['section 4.12.1: that begins with 0x00', [auth(ReasonCode.SUCCESS, '2')]],
    ['section 4.12.1: that begins within another', [again(''), again('')]],
  ] as const) {
    it(`${what} is answered with 0x82`, async (t) => {
      const rig = await startWith(t, count);
      const client = await authenticated(rig);
      for (const packet of packets) client.send(packet);
      const answers = await client.all();
      const last = answers.at(-1);
      assert.equal(last?.type === 'disconnect' && last.reasonCode, ReasonCode.PROTOCOL_ERROR);
      assert.ok(client.transport.isClosed);
    });
  }

  it('section 4.12.1: a method that throws or cannot begin again ends the connection', async (t) => {
    let isBroken = false;
    for (const where of ['begin', 'next']) {
      const method: AuthenticationMethod = {
        name: NAME,
        begin(client) {
          if (isBroken && where === 'begin') throw new Error('broken');
          return {
            next(data) {
              if (isBroken) throw new Error('broken');
              return count(Buffer.from(data).toString(), client);
            },
          };
        },
      };
      isBroken = false;
      const rig = await startRig(t, { hooks: [{ name: 'm', authenticationMethods: [method] }] });
      const client = await authenticated(rig);
      isBroken = true;
      client.send(again('2'));
      assert.ok((await client.expect('disconnect')).reasonCode >= 0x80);
      await client.expectClosed();
      assert.equal(rig.broker.stats.hookFailures, 1);
    }
  });

  it('hookTimeoutMs: a method that does not answer ends the connection', async (t) => {
    let isSlow = false;
    const slow = Promise.withResolvers<AuthenticationStep>();
    const decide: Decide = (said, client) => (isSlow ? slow.promise : count(said, client));
    const rig = await startWith(t, decide, { hookTimeoutMs: 2000 });
    const client = await authenticated(rig);
    isSlow = true;
    client.send(again('2'));
    client.send(PINGREQ);
    await client.expectNothing();
    rig.clock.advance(2000);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.NOT_AUTHORIZED);
    await client.expectClosed();
    assert.equal(rig.broker.stats.hookTimeouts, 1);
  });

  it('section 4.12.1: one that is taken over meanwhile is over', async (t) => {
    let isSlow = false;
    const slow = Promise.withResolvers<AuthenticationStep>();
    const rig = await startWith(t, (said, client) => (isSlow ? slow.promise : count(said, client)));
    const client = await authenticated(rig, { clientId: 'a' });
    isSlow = true;
    client.send(again('2'));
    await rig.open().connect({ clientId: 'a', userName: 'ana' });
    slow.resolve({ step: 'success', userName: 'ana' });
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['disconnect']);
    assert.ok(client.transport.isClosed);
  });
});
