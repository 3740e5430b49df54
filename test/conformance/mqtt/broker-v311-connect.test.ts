import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectVerdict } from '../../../src/mqtt/broker/hooks.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { connectBytes, startRig, VERSION_NAMES, willOf } from '../../helpers/mqtt-broker-rig.ts';

const V = 4;
const NOT_ALLOWED = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const;
const ACCEPTED = '20020000';
const ACCEPTED_WITH_SESSION = '20020100';

/** Return codes, by what an authenticate hook says. */
const RETURN_CODES: readonly (readonly [ReasonCode, number])[] = [
  [ReasonCode.UNSPECIFIED_ERROR, 3],
  [ReasonCode.MALFORMED_PACKET, 5],
  [ReasonCode.PROTOCOL_ERROR, 5],
  [ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, 3],
  [ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, 1],
  [ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, 2],
  [ReasonCode.BAD_USER_NAME_OR_PASSWORD, 4],
  [ReasonCode.NOT_AUTHORIZED, 5],
  [ReasonCode.SERVER_UNAVAILABLE, 3],
  [ReasonCode.SERVER_BUSY, 3],
  [ReasonCode.BANNED, 5],
  [ReasonCode.BAD_AUTHENTICATION_METHOD, 5],
  [ReasonCode.TOPIC_NAME_INVALID, 5],
  [ReasonCode.PACKET_TOO_LARGE, 5],
  [ReasonCode.QUOTA_EXCEEDED, 3],
  [ReasonCode.RETAIN_NOT_SUPPORTED, 5],
  [ReasonCode.QOS_NOT_SUPPORTED, 5],
  [ReasonCode.USE_ANOTHER_SERVER, 3],
  [ReasonCode.SERVER_MOVED, 3],
  [ReasonCode.CONNECTION_RATE_EXCEEDED, 3],
  // No CONNACK has it: it becomes Not authorized.
  [ReasonCode.SESSION_TAKEN_OVER, 5],
];

describe('the return code of MQTT 3.1.1', () => {
  for (const [reasonCode, returnCode] of RETURN_CODES) {
    it(`[v3.1.1 MQTT-3.2.2-4] [v3.1.1 MQTT-3.2.2-5] of 0x${reasonCode.toString(16)} is ${returnCode}`, async (t) => {
      for (const later of [false, true]) {
        const verdict: ConnectVerdict = { allow: false, reasonCode, reasonString: 'not to be sent' };
        const authenticate = () => (later ? Promise.resolve(verdict) : verdict);
        const { broker, open } = await startRig(t, { hooks: [{ name: 'guard', authenticate }] });
        const client = open(V);
        client.sendBytes(connectBytes(V));
        assert.equal((await client.bytes()).toString('hex'), `2002000${returnCode}`);
        assert.ok(client.transport.isClosed);
        assert.deepEqual([broker.stats.connectsRefused, broker.counts.sessions], [1, 0]);
      }
    });
  }

  it('[v3.1.1 MQTT-3.2.2-4] has Session Present 0 in a refusal, also where there is a session', async (t) => {
    const verdicts: ConnectVerdict[] = [{ allow: true }];
    const { open } = await startRig(t, { hooks: [{ name: 'guard', authenticate: () => verdicts[0]! }] });
    const fields = { clientId: 'a', cleanStart: false };
    const first = open(V);
    await first.connect(fields);
    verdicts[0] = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED };
    const refused = open(V);
    refused.sendBytes(connectBytes(V, fields));
    assert.equal((await refused.bytes()).toString('hex'), '20020005');
  });

  for (const [what, options, willMessage] of [
    ['a Will QoS above maximumQos', { maximumQos: 0 }, willOf({ qos: 1 })],
    ['a Will to be retained without retainAvailable', { retainAvailable: false }, willOf({ retain: true })],
    ['a Will Topic of too many levels', { maxTopicLevels: 1 }, willOf({ topicName: 'a/b' })],
    ['a Will for a topic of the server', {}, willOf({ topicName: '$SYS/broker/uptime' })],
    [
      'a Will that may not be published',
      { hooks: [{ name: 'guard', authorizePublish: () => NOT_ALLOWED }] },
      willOf(),
    ],
  ] as const) {
    for (const version of [3, 4] as const) {
      it(`${VERSION_NAMES[version]}: is 5 for ${what}`, async (t) => {
        const { open } = await startRig(t, options);
        const client = open(version);
        client.sendBytes(connectBytes(version, { clientId: 'a', willMessage }));
        assert.equal((await client.bytes()).toString('hex'), '20020005');
        assert.ok(client.transport.isClosed);
      });
    }
  }

  for (const version of [3, 4] as const) {
    for (const topicName of ['a/+', '#', '']) {
      it(`${VERSION_NAMES[version]}: [v3.1.1 MQTT-3.1.4-1] there is none for the Will Topic '${topicName}'`, async (t) => {
        const { broker, open } = await startRig(t);
        const client = open(version);
        client.sendBytes(connectBytes(version, { clientId: 'a', willMessage: willOf({ topicName }) }));
        assert.equal((await client.bytes()).length, 0);
        assert.ok(client.transport.isClosed);
        assert.deepEqual([broker.stats.protocolErrors, broker.counts.sessions], [1, 0]);
      });
    }
  }

  it('[v3.1.1 MQTT-3.1.4-1] there is none for a CONNECT that is malformed', async (t) => {
    const { broker, open } = await startRig(t);
    for (const hex of [
      '10 0d 0004 4d515454 04 42 0000 0001 61', // [v3.1.1 MQTT-3.1.2-22]: a password flag without a user name flag
      '10 10 0004 4d515454 04 42 0000 0001 61 0001 70',
      '10 0d 0004 4d515454 04 82 0000 0001 61', // [v3.1.1 MQTT-3.1.2-19]
      '10 0d 0004 4d515454 04 06 0000 0001 61', // [v3.1.1 MQTT-3.1.2-9]
      '10 13 0004 4d515454 04 1e 0000 0001 61 0001 74 0001 6d', // [v3.1.1 MQTT-3.1.2-14]
      '10 0d 0004 4d515454 04 0a 0000 0001 61', // [v3.1.1 MQTT-3.1.2-13]
      '10 0d 0004 4d515454 04 22 0000 0001 61', // [v3.1.1 MQTT-3.1.2-15]
      '10 0d 0004 4d515454 04 02 0000 0001 ff', // [v3.1.1 MQTT-3.1.3-4]
      '10 0a 0004 4d515454 04 02 0000', // [v3.1.1 MQTT-3.1.3-3]
      '10 0e 0004 4d515454 04 02 0000 0001 61 00',
      '12 0d 0004 4d515454 04 02 0000 0001 61', // [v3.1.1 MQTT-2.2.2-2]
    ]) {
      const client = open(V);
      client.sendBytes(hex);
      assert.equal((await client.bytes()).length, 0, hex);
      assert.ok(client.transport.isClosed, hex);
    }
    assert.equal(broker.stats.protocolErrors, 11);
  });
});

describe('Clean Session of MQTT 3.1.1', () => {
  it('[v3.1.1 MQTT-3.2.2-1] [v3.1.1 MQTT-3.2.2-2] [v3.1.1 MQTT-3.2.2-3] decides about Session Present', async (t) => {
    const { open } = await startRig(t);
    const answers: string[] = [];
    for (const cleanStart of [false, false, true, false, false]) {
      const client = open(V);
      client.sendBytes(connectBytes(V, { clientId: 'a', cleanStart }));
      answers.push((await client.bytes()).toString('hex'));
      client.disconnect();
      await client.expectClosed();
    }
    const present = [ACCEPTED, ACCEPTED_WITH_SESSION, ACCEPTED, ACCEPTED, ACCEPTED_WITH_SESSION];
    assert.deepEqual(answers, present);
  });

  it('[v3.1.1 MQTT-4.1.0-1] 0: the session has no end', async (t) => {
    const { broker, clock, open } = await startRig(t);
    const first = open(V);
    await first.connect({ clientId: 'a', cleanStart: false });
    await first.subscribe('t', { qos: 1 });
    first.disconnect();
    clock.advance(6 * 3_600_000);
    broker.publish({ topicName: 't', payload: 'waiting', qos: 1 });
    const second = open(V);
    assert.equal((await second.connect({ clientId: 'a', cleanStart: false })).sessionPresent, true);
    assert.equal(Buffer.from((await second.expect('publish')).payload).toString(), 'waiting');
  });

  it('[v3.1.1 MQTT-3.1.2-6] 1: the session ends with its connection, and is not used again', async (t) => {
    const { broker, open } = await startRig(t);
    for (const leave of ['disconnect', 'break'] as const) {
      const client = open(V);
      await client.connect({ clientId: 'a', cleanStart: true });
      await client.subscribe('t', { qos: 1 });
      if (leave === 'disconnect') client.disconnect();
      else client.transport.breakOff();
      assert.deepEqual([broker.counts.sessions, broker.counts.subscriptions], [0, 0]);
    }
    assert.equal((await open(V).connect({ clientId: 'a', cleanStart: false })).sessionPresent, false);
  });
});

describe('a Client Identifier of zero bytes in MQTT 3.1.1', () => {
  it('[v3.1.1 MQTT-3.1.3-6] [v3.1.1 MQTT-3.1.3-7] is a new one each time with Clean Session', async (t) => {
    const { open, sessionIds } = await startRig(t);
    for (let count = 0; count < 3; count++) {
      const client = open(V);
      client.sendBytes(connectBytes(V, { clientId: '', cleanStart: true }));
      assert.equal((await client.bytes()).toString('hex'), ACCEPTED);
    }
    const ids = sessionIds();
    assert.deepEqual([ids.length, new Set(ids).size, ids.includes('')], [3, 3, false]);
  });

  it('[v3.1.1 MQTT-3.1.3-8] is answered with 2 without Clean Session', async (t) => {
    const { open } = await startRig(t);
    const client = open(V);
    client.sendBytes(connectBytes(V, { clientId: '', cleanStart: false }));
    assert.equal((await client.bytes()).toString('hex'), '20020002');
    assert.ok(client.transport.isClosed);
  });

  it('[v3.1.1 MQTT-3.1.3-9] is answered with 2 where zeroLengthClientIdAllowed is false', async (t) => {
    const { open } = await startRig(t, { zeroLengthClientIdAllowed: false });
    const client = open(V);
    client.sendBytes(connectBytes(V, { clientId: '', cleanStart: true }));
    assert.equal((await client.bytes()).toString('hex'), '20020002');
    assert.ok(client.transport.isClosed);
  });
});

describe('what MQTT 3.1.1 does not have', () => {
  it('section 2.2.3: no rule against a Remaining Length with a byte too many', async (t) => {
    const { open } = await startRig(t);
    const client = open(V);
    client.sendBytes('10 8d 00 0004 4d515454 04 02 0000 0001 61 c0 80 00');
    assert.equal((await client.bytes()).toString('hex'), `${ACCEPTED}d000`);
  });

  it('section 3.14: no Reason Code in a DISCONNECT', async (t) => {
    const { broker, connected } = await startRig(t);
    const client = await connected({ willMessage: willOf() }, V);
    client.sendBytes('e0 01 04');
    assert.equal((await client.bytes()).length, 0);
    assert.equal(broker.stats.protocolErrors, 1);
  });

  it('section 3.1.2: no properties: bytes that would be some are malformed', async (t) => {
    const { open } = await startRig(t);
    const client = open(V);
    client.sendBytes('10 0e 0004 4d515454 04 02 0000 00 0001 61');
    assert.equal((await client.bytes()).length, 0);
    assert.ok(client.transport.isClosed);
  });
});
