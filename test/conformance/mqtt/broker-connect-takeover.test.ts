import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALLOW } from '../../../src/mqtt/index.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  Attendance,
  connectBytes,
  startRig,
  VERSION_NAMES,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, turnEnd, WireClient } from '../../helpers/mqtt-wire-client.ts';

const FOR_A_MINUTE = { sessionExpiryInterval: 60 };
/** Lets everybody in who can prove a name. */
const PROVING = { name: 'users', authenticate: () => ALLOW };

describe('a second connection with the same Client Identifier', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-3.1.4-3] [v3.1.1 MQTT-3.1.4-2] ends the first (${VERSION_NAMES[version]})`, async (t) => {
      const attendance = new Attendance();
      const { broker, open } = await startRig(t, { hooks: [attendance] });
      const first = open(version);
      await first.connect({ clientId: 'a' });
      const second = open(version);
      assert.equal((await second.connect({ clientId: 'a' })).reasonCode, ReasonCode.SUCCESS);
      if (version === 5) {
        assert.equal((await first.expect('disconnect')).reasonCode, ReasonCode.SESSION_TAKEN_OVER);
      }
      assert.equal((await first.bytes()).length, 0);
      assert.ok(first.transport.isClosed);
      second.send({ type: 'pingreq' });
      await second.expect('pingresp');
      const { connections, sessions } = broker.counts;
      assert.deepEqual([connections, sessions, broker.stats.connectionsTakenOver], [1, 1, 1]);
      assert.deepEqual(
        attendance.left.map(({ clientId, cause }) => [clientId, cause.by, cause.reasonCode]),
        [['a', 'server', ReasonCode.SESSION_TAKEN_OVER]],
      );
    });
  }

  it('[MQTT-3.1.4-3] whatever version each speaks', async (t) => {
    const { open } = await startRig(t);
    let before = open(5);
    await before.connect({ clientId: 'a' });
    for (const version of [4, 3, 5] as const) {
      const next = open(version);
      await next.connect({ clientId: 'a' });
      if (before.version === 5) await before.expect('disconnect');
      await before.expectClosed();
      before = next;
    }
  });

  it('[MQTT-3.1.4-3] a first one that sends afterwards is not heard', async (t) => {
    const { broker, open } = await startRig(t);
    const first = open();
    await first.connect({ clientId: 'a' });
    const second = open();
    second.send(connectPacket(5, { clientId: 'a' }));
    first.publish('t', 'late', { retain: true });
    await second.expect('connack');
    assert.equal(broker.counts.retainedMessages, 0);
    assert.equal(broker.stats.publishReceived, 0);
  });

  it('[MQTT-3.1.4-3] one that comes through another listener takes over too', async (t) => {
    const { broker, open } = await startRig(t);
    const first = open();
    await first.connect({ clientId: 'a' });
    await new WireClient(broker.acceptor({ name: 'side' })).connect({ clientId: 'a' });
    assert.equal((await first.expect('disconnect')).reasonCode, ReasonCode.SESSION_TAKEN_OVER);
    assert.equal(Array.from(broker.sessions())[0]?.client.listener, 'side');
  });

  it('[MQTT-3.1.4-3] a Client Identifier that fits into no Reason String is left out of it', async (t) => {
    const { open } = await startRig(t);
    const clientId = 'x'.repeat(65_535);
    const first = open();
    await first.connect({ clientId });
    assert.equal((await open().connect({ clientId })).reasonCode, ReasonCode.SUCCESS);
    const { reasonCode, properties } = await first.expect('disconnect');
    assert.equal(reasonCode, ReasonCode.SESSION_TAKEN_OVER);
    assert.equal(properties.reasonString, undefined);
    await first.expectClosed();
  });

  it('[MQTT-3.1.2-5] goes on with a session that outlives its connection, with what was on its way', async (t) => {
    const { broker, open, connected } = await startRig(t);
    const first = open();
    await first.connect({ clientId: 'a', properties: FOR_A_MINUTE });
    await first.subscribe('t', { qos: 1 });
    const publisher = await connected();
    publisher.publish('t', 'one', { qos: 1 });
    const { packetId } = await first.expect('publish');
    const second = open();
    const { sessionPresent } = await second.connect({
      clientId: 'a',
      cleanStart: false,
      properties: FOR_A_MINUTE,
    });
    assert.equal(sessionPresent, true);
    const again = await second.expect('publish');
    assert.deepEqual(
      [again.packetId, again.dup, Buffer.from(again.payload).toString()],
      [packetId, true, 'one'],
    );
    assert.equal(broker.counts.subscriptions, 1);
  });

  it('[MQTT-3.1.2-4] begins anew with Clean Start', async (t) => {
    const { broker, open, connected } = await startRig(t);
    const first = open();
    await first.connect({ clientId: 'a', properties: FOR_A_MINUTE });
    await first.subscribe('t', { qos: 1 });
    const second = open();
    const { sessionPresent } = await second.connect({ clientId: 'a', properties: FOR_A_MINUTE });
    assert.equal(sessionPresent, false);
    (await connected()).publish('t', 'one');
    await second.expectNothing();
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('section 3.1.2.11.2: a session of Session Expiry Interval 0 has ended with the first', async (t) => {
    const { broker, open } = await startRig(t);
    const first = open();
    await first.connect({ clientId: 'a' });
    await first.subscribe('t');
    const { sessionPresent } = await open().connect({ clientId: 'a', cleanStart: false });
    assert.equal(sessionPresent, false);
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('[MQTT-3.1.4-3] a hundred in a row leave one connection and one session', async (t) => {
    const { broker, open } = await startRig(t);
    for (let count = 0; count < 100; count++) {
      const transport = open().transport;
      transport.send(connectBytes(5, { clientId: 'a', cleanStart: false, properties: FOR_A_MINUTE }));
    }
    await turnEnd();
    await turnEnd();
    const { connections, sessions } = broker.counts;
    assert.deepEqual([connections, sessions, broker.stats.connectionsTakenOver], [1, 1, 99]);
  });

  it('section 5.4.2: two that push each other out are told of once', async (t) => {
    const warnings: string[] = [];
    const ignore = (): void => {};
    const warn = (_: object, text: string): void => void warnings.push(text);
    const log = { debug: ignore, info: ignore, warn, error: ignore };
    const { clock, open } = await startRig(t, { log });
    for (let count = 0; count < 8; count++) {
      await open(5, { address: `192.0.2.${count % 2}` }).connect({ clientId: 'a' });
      clock.advance(1000);
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /client.* id a .*192\.0\.2\.[01] and 192\.0\.2\.[01]/);
    clock.advance(61_000);
    for (let count = 0; count < 3; count++) await open().connect({ clientId: 'a' });
    assert.equal(warnings.length, 2);
  });
});

describe('a session of another user', () => {
  it('section 5.4.2: is not resumed, and its messages go to nobody', async (t) => {
    const { broker, open, connected } = await startRig(t, { clientIdTakeover: 'allow', hooks: [PROVING] });
    const first = open();
    await first.connect({ clientId: 'a', userName: 'ana', properties: FOR_A_MINUTE });
    await first.subscribe('private', { qos: 1 });
    first.transport.breakOff();
    const publisher = await connected();
    publisher.publish('private', 'for ana', { qos: 1 });
    await publisher.expect('puback');
    for (const userName of ['ben', undefined]) {
      const other = open();
      const { sessionPresent } = await other.connect({ clientId: 'a', cleanStart: false, userName });
      assert.equal(sessionPresent, false);
      await other.expectNothing();
    }
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('section 5.4.2: is resumed by its own user, as authenticate says who that is', async (t) => {
    const hooks = [{ name: 'certificate', authenticate: () => ({ allow: true, userName: 'ana' }) as const }];
    const { open } = await startRig(t, { hooks });
    const first = open();
    await first.connect({ clientId: 'a', userName: 'one', properties: FOR_A_MINUTE });
    first.transport.breakOff();
    const { sessionPresent } = await open().connect({ clientId: 'a', userName: 'two', cleanStart: false });
    assert.equal(sessionPresent, true);
  });

  it('section 5.4.2: a connection of another user is taken over, and that is logged', async (t) => {
    const warnings: string[] = [];
    const ignore = (): void => {};
    const warn = (_: object, text: string): void => void warnings.push(text);
    const log = { debug: ignore, info: ignore, warn, error: ignore };
    const { open } = await startRig(t, { log, clientIdTakeover: 'allow' });
    const first = open();
    await first.connect({ clientId: 'a', userName: 'ana' });
    await open().connect({ clientId: 'a' });
    assert.equal((await first.expect('disconnect')).reasonCode, ReasonCode.SESSION_TAKEN_OVER);
    assert.deepEqual(warnings, ['client id a of user ana was taken by user (none)']);
  });

  const OTHERS = [
    ['ana', 'ben'],
    ['ana', undefined],
    [undefined, 'ben'],
  ] as const;
  for (const version of VERSIONS) {
    for (const [owner, other] of OTHERS) {
      const names = `of ${owner ?? 'nobody'} for ${other ?? 'nobody'}`;
      it(`section 5.4.2: clientIdTakeover same-user keeps it, ${VERSION_NAMES[version]}: ${names}`, async (t) => {
        const { broker, open } = await startRig(t, { hooks: [PROVING] });
        const first = open(version);
        await first.connect({ clientId: 'a', userName: owner, cleanStart: false });
        await first.subscribe('t');
        for (const cleanStart of [false, true]) {
          const thief = open(version);
          const { reasonCode } = await thief.connect({ clientId: 'a', userName: other, cleanStart });
          assert.equal(reasonCode, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
          await thief.expectClosed();
        }
        assert.equal(broker.stats.takeoversRefused, 2);
        broker.publish({ topicName: 't', payload: 'hers' });
        assert.equal(Buffer.from((await first.expect('publish')).payload).toString(), 'hers');
      });
    }
  }

  it('section 5.4.2: clientIdTakeover same-user keeps a session whose client is away, until it ends', async (t) => {
    const { broker, open } = await startRig(t, { hooks: [PROVING] });
    const first = open();
    await first.connect({ clientId: 'a', userName: 'ana', properties: FOR_A_MINUTE });
    first.transport.breakOff();
    const refused = await open().connect({ clientId: 'a', userName: 'ben' });
    assert.equal(refused.reasonCode, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
    broker.disconnectClient('a', { endSession: true });
    const taken = await open().connect({ clientId: 'a', userName: 'ben' });
    assert.equal(taken.reasonCode, ReasonCode.SUCCESS);
  });

  it('section 5.4.2: clientIdTakeover is the rule of the listener that the client comes through', async (t) => {
    const { broker, open } = await startRig(t, { hooks: [PROVING] });
    await open().connect({ clientId: 'a', userName: 'ana' });
    const free = broker.acceptor({ name: 'free', clientIdTakeover: 'allow' });
    const { reasonCode } = await new WireClient(free).connect({ clientId: 'a', userName: 'ben' });
    assert.deepEqual([reasonCode, broker.stats.connectionsTakenOver], [ReasonCode.SUCCESS, 1]);
  });

  for (const version of VERSIONS) {
    for (const [before, after] of [...OTHERS, [undefined, undefined]] as const) {
      const names = `${before ?? 'nobody'}, then ${after ?? 'nobody'}`;
      it(`goes on where nothing proves names, ${VERSION_NAMES[version]}: ${names}`, async (t) => {
        // As the hub does without a password file.
        const admission = { name: 'admission', authenticate: () => ALLOW, provesUserNames: false };
        for (const hooks of [[], [admission]]) {
          const { broker, open } = await startRig(t, { hooks });
          const fields = { clientId: 'a', cleanStart: false, properties: version === 5 ? FOR_A_MINUTE : {} };
          const first = open(version);
          await first.connect({ ...fields, userName: before });
          await first.subscribe('t', { qos: 1 });
          first.transport.breakOff();
          broker.publish({ topicName: 't', payload: 'kept', qos: 1 });
          const second = open(version);
          const { reasonCode } = await second.connect({ ...fields, userName: after });
          assert.equal(reasonCode, ReasonCode.SUCCESS);
          assert.equal(Buffer.from((await second.expect('publish')).payload).toString(), 'kept');
        }
      });
    }
  }
});

describe('authorizeConnect', () => {
  it('is asked whatever proved who the client is, and its denial is the Reason Code', async (t) => {
    const asked: (string | undefined)[] = [];
    const method = {
      name: 'M',
      begin: () => ({ next: () => ({ step: 'success', userName: 'by method' }) as const }),
    };
    const { open } = await startRig(t, {
      hooks: [
        {
          name: 'ids',
          authenticate: () => ({ allow: true, userName: 'by hook' }) as const,
          authenticationMethods: [method],
          authorizeConnect: ({ clientId, userName }) => {
            asked.push(userName);
            const reasonCode = ReasonCode.CLIENT_IDENTIFIER_NOT_VALID;
            return clientId === 'bound' ? { allow: false, reasonCode, reasonString: 'not yours' } : ALLOW;
          },
        },
      ],
    });
    for (const properties of [{}, { authenticationMethod: 'M' }]) {
      const refused = await open().connect({ clientId: 'bound', userName: 'said', properties });
      assert.equal(refused.reasonCode, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
      assert.equal(refused.properties.reasonString, 'not yours');
      const taken = await open().connect({ clientId: 'free', userName: 'said', properties });
      assert.equal(taken.reasonCode, properties.authenticationMethod === undefined ? 0 : taken.reasonCode);
    }
    assert.deepEqual(asked.slice(0, 3), ['by hook', 'by hook', 'by method']);
    const old = open(4);
    old.sendBytes(connectBytes(4, { clientId: 'bound' }));
    assert.equal((await old.bytes()).toString('hex'), '20020002');
  });

  it('that throws denies', async (t) => {
    const authorizeConnect = (): never => {
      throw new Error('broken');
    };
    const { broker, open } = await startRig(t, { hooks: [{ name: 'ids', authorizeConnect }] });
    assert.equal((await open().connect()).reasonCode, ReasonCode.UNSPECIFIED_ERROR);
    assert.equal(broker.stats.hookFailures, 1);
  });
});
