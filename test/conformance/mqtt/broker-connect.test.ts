import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  Attendance,
  bytesOf,
  connectBytes,
  startRig,
  VERSION_NAMES,
  VERSIONS,
  willOf,
} from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket } from '../../helpers/mqtt-wire-client.ts';

/** A CONNECT of MQTT 5.0 for client `a`, with these bytes in place of protocol name, level and flags. */
function connectWith(start: string): Buffer {
  const body = Buffer.from(`${start.replaceAll(' ', '')}000000000161`, 'hex');
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

describe('the first packet', () => {
  it('[MQTT-3.1.0-1] is a CONNECT: any other type ends the connection without a word', async (t) => {
    const { broker, open } = await startRig(t);
    for (let type = 0; type < 16; type++) {
      if (type === 1) continue;
      const client = open();
      client.sendBytes([type << 4, 2, 0, 1]);
      assert.equal((await client.bytes()).length, 0, `type ${type}`);
      assert.ok(client.transport.isClosed, `type ${type}`);
    }
    assert.deepEqual([broker.stats.protocolErrors, broker.stats.connectsRefused], [15, 0]);
    assert.equal(broker.counts.connections, 0);
  });

  it('[MQTT-3.1.0-1] is no DISCONNECT either', async (t) => {
    const { broker, open } = await startRig(t);
    const client = open();
    client.sendBytes('e0 00');
    assert.equal((await client.bytes()).length, 0);
    assert.ok(client.transport.isClosed);
    assert.equal(broker.stats.protocolErrors, 1);
  });

  it('[MQTT-3.1.0-1] is not answered when it is no MQTT at all', async (t) => {
    const { open } = await startRig(t);
    const client = open();
    client.sendBytes(Buffer.from(`GET / HTTP/1.1\r\nHost: ${'x'.repeat(80)}\r\n\r\n`));
    assert.equal((await client.bytes()).length, 0);
    assert.ok(client.transport.isClosed);
  });

  it('[MQTT-3.1.2-1] another protocol name ends the connection', async (t) => {
    const { open } = await startRig(t);
    for (const start of ['0004 4d515458 05 02', '0004 6d717474 05 02', '0000 05 02']) {
      const client = open();
      client.sendBytes(connectWith(start));
      assert.equal((await client.bytes()).length, 0, start);
      assert.ok(client.transport.isClosed, start);
    }
  });

  it('[MQTT-3.1.2-2] a version above 5 is answered with 0x84 in the form of MQTT 5.0', async (t) => {
    const { broker, open } = await startRig(t);
    for (const start of [
      '0004 4d515454 06',
      '0004 4d515454 85',
      '0004 4d515454 ff',
      '0006 4d5149736470 06',
    ]) {
      const client = open();
      client.sendBytes(connectWith(`${start} 02`));
      const { reasonCode, sessionPresent } = await client.expect('connack');
      assert.equal(reasonCode, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION);
      assert.equal(sessionPresent, false);
      await client.expectClosed();
    }
    assert.equal(broker.stats.connectsRefused, 4);
  });

  it('[v3.1.1 MQTT-3.1.2-2] any other level is answered with return code 1', async (t) => {
    const { open } = await startRig(t);
    const levels = ['00', '02', '03', '83'].map((level) => `0004 4d515454 ${level}`);
    const levels31 = ['00', '02', '04', '05', '84'].map((level) => `0006 4d5149736470 ${level}`);
    for (const start of [...levels, ...levels31]) {
      const client = open();
      client.sendBytes(connectWith(`${start} 02`));
      assert.equal((await client.bytes()).toString('hex'), '20020001', start);
      assert.ok(client.transport.isClosed, start);
    }
  });

  it('[MQTT-3.1.2-3] [MQTT-3.1.4-1] the reserved flag of MQTT 5.0 is answered with 0x81', async (t) => {
    const { open } = await startRig(t);
    const client = open();
    client.sendBytes(connectWith('0004 4d515454 05 03'));
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.MALFORMED_PACKET);
    await client.expectClosed();
  });

  it('[v3.1.1 MQTT-3.1.2-3] [v3.1.1 MQTT-3.1.4-1] and of MQTT 3.1.1 with the end of the connection', async (t) => {
    const { open } = await startRig(t);
    const client = open();
    client.sendBytes('10 0d 0004 4d515454 04 03 0000 0001 61');
    assert.equal((await client.bytes()).length, 0);
    assert.ok(client.transport.isClosed);
  });

  for (const [what, hex] of [
    ['[MQTT-3.1.2-12] Will QoS 3', '10 14 0004 4d515454 05 1e 0000 00 0001 61 00 0001 74 0001 6d'],
    ['[MQTT-3.1.2-11] Will QoS without a Will', '10 0e 0004 4d515454 05 0a 0000 00 0001 61'],
    ['[MQTT-3.1.2-13] Will Retain without a Will', '10 0e 0004 4d515454 05 22 0000 00 0001 61'],
    ['[MQTT-3.1.2-9] a Will Flag without a Will', '10 0e 0004 4d515454 05 06 0000 00 0001 61'],
    ['[MQTT-3.1.2-16] a User Name without its flag', '10 11 0004 4d515454 05 02 0000 00 0001 61 0001 75'],
    ['[MQTT-3.1.2-17] a User Name Flag without a User Name', '10 0e 0004 4d515454 05 82 0000 00 0001 61'],
    [
      '[MQTT-3.1.2-18] a Password without its flag',
      '10 14 0004 4d515454 05 82 0000 00 0001 61 0001 75 0001 70',
    ],
    ['[MQTT-3.1.2-19] a Password Flag without a Password', '10 0e 0004 4d515454 05 42 0000 00 0001 61'],
    ['[MQTT-3.1.3-3] no Client Identifier', '10 0b 0004 4d515454 05 02 0000 00'],
    ['[MQTT-3.1.3-4] a Client Identifier that is not UTF-8', '10 0e 0004 4d515454 05 02 0000 00 0001 ff'],
    [
      '[MQTT-3.1.3-11] a Will Topic that is not UTF-8',
      '10 14 0004 4d515454 05 06 0000 00 0001 61 00 0001 c0 0000',
    ],
    ['[MQTT-3.1.3-12] a User Name that is not UTF-8', '10 11 0004 4d515454 05 82 0000 00 0001 61 0001 80'],
    ['[MQTT-2.1.3-1] flags in the Fixed Header', '11 0e 0004 4d515454 05 02 0000 00 0001 61'],
    [
      '[MQTT-1.5.5-1] a Remaining Length with a byte too many',
      '10 8e 00 0004 4d515454 05 02 0000 00 0001 61',
    ],
  ] as const) {
    it(`[MQTT-3.1.4-1] ${what} is answered with 0x81, and no session is made`, async (t) => {
      const { broker, open } = await startRig(t);
      const client = open();
      client.sendBytes(hex);
      assert.equal((await client.expect('connack')).reasonCode, ReasonCode.MALFORMED_PACKET);
      await client.expectClosed();
      assert.equal(broker.counts.sessions, 0);
      assert.deepEqual([broker.stats.protocolErrors, broker.stats.connectsRefused], [1, 1]);
    });
  }

  for (const [what, properties] of [
    ['section 3.1.2.11.2: Session Expiry Interval twice', '11 00000001 11 00000001'],
    ['section 3.1.2.11.3: Receive Maximum 0', '21 0000'],
    ['section 3.1.2.11.4: Maximum Packet Size 0', '27 00000000'],
    ['section 3.1.2.11.6: Request Response Information 2', '19 02'],
    ['section 3.1.2.11.7: Request Problem Information 2', '17 02'],
    ['section 3.1.2.11.10: Authentication Data without a method', '16 0001 61'],
  ] as const) {
    it(`${what} is answered with 0x82`, async (t) => {
      const { open } = await startRig(t);
      const client = open();
      const bytes = Buffer.from(properties.replaceAll(' ', ''), 'hex');
      const tail = Buffer.concat([Buffer.from([bytes.length]), bytes, Buffer.from('000161', 'hex')]);
      const body = Buffer.concat([Buffer.from('00044d51545405020000', 'hex'), tail]);
      client.sendBytes(Buffer.concat([Buffer.from([0x10, body.length]), body]));
      assert.equal((await client.expect('connack')).reasonCode, ReasonCode.PROTOCOL_ERROR);
      await client.expectClosed();
    });
  }

  it('section 3.1.2.11.8: User Properties of a CONNECT are accepted, also the same twice', async (t) => {
    const { open } = await startRig(t);
    const userProperties = [['a', '1'] as const, ['a', '1'] as const, ['', ''] as const];
    const { reasonCode } = await open().connect({ properties: { userProperties } });
    assert.equal(reasonCode, ReasonCode.SUCCESS);
  });
});

describe('bytes as the network brings them', () => {
  for (const version of VERSIONS) {
    const fields = {
      clientId: 'split',
      keepAlive: 60,
      willMessage: willOf(),
      userName: 'ana',
      password: Buffer.from('secret'),
      properties: version === 5 ? { sessionExpiryInterval: 0, userProperties: [['k', 'v'] as const] } : {},
    };

    it(`[MQTT-4.2.0-1] a CONNECT split at every position is the same (${VERSION_NAMES[version]})`, async (t) => {
      const attendance = new Attendance();
      const { open } = await startRig(t, { hooks: [attendance] });
      const whole = connectBytes(version, fields);
      for (let cut = 1; cut < whole.length; cut++) {
        const client = open(version);
        client.sendBytes(whole.subarray(0, cut));
        await client.expectNothing();
        client.sendBytes(whole.subarray(cut));
        assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SUCCESS, `cut at ${cut}`);
        client.disconnect();
        await client.expectClosed();
      }
      assert.equal(attendance.arrived.length, whole.length - 1);
      assert.ok(
        attendance.arrived.every(({ clientId, userName }) => clientId === 'split' && userName === 'ana'),
      );
    });

    it(`[MQTT-4.2.0-1] a CONNECT byte by byte is the same (${VERSION_NAMES[version]})`, async (t) => {
      const { open } = await startRig(t);
      const client = open(version);
      for (const byte of connectBytes(version, fields)) client.sendBytes([byte]);
      assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SUCCESS);
    });

    it(`section 3.1.4: what is glued to a CONNECT is handled after it (${VERSION_NAMES[version]})`, async (t) => {
      const { open } = await startRig(t);
      const client = open(version);
      const connect = connectPacket(version);
      client.sendBytes(bytesOf(version, connect, { type: 'pingreq' }, { type: 'pingreq' }));
      const types = (await client.all()).map(({ type }) => type);
      assert.deepEqual(types, ['connack', 'pingresp', 'pingresp']);
    });

    it(`[MQTT-3.1.0-2] a second CONNECT ends the connection (${VERSION_NAMES[version]})`, async (t) => {
      const attendance = new Attendance();
      const { broker, open } = await startRig(t, { hooks: [attendance] });
      const client = open(version);
      await client.connect({ clientId: 'twice' });
      client.send(connectPacket(version, { clientId: 'twice' }));
      if (version === 5) {
        assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
      }
      await client.expectClosed();
      assert.equal(broker.stats.protocolErrors, 1);
      assert.equal(attendance.arrived.length, 1);
      assert.equal(attendance.left[0]?.cause.by, 'server');
    });

    it(`[MQTT-3.1.0-2] also when both come at once (${VERSION_NAMES[version]})`, async (t) => {
      const { open } = await startRig(t);
      const client = open(version);
      const connect = connectPacket(version);
      client.sendBytes(bytesOf(version, connect, connect));
      const types = (await client.all()).map(({ type }) => type);
      assert.deepEqual(types, version === 5 ? ['connack', 'disconnect'] : ['connack']);
      assert.ok(client.transport.isClosed);
    });
  }
});

describe('the Client Identifier', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-3.1.3-5] all of 1 to 23 letters and digits are allowed (${VERSION_NAMES[version]})`, async (t) => {
      const { open } = await startRig(t);
      const characters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
      for (let length = 1; length <= 23; length++) {
        for (let start = 0; start < characters.length; start += length) {
          const client = open(version);
          const { reasonCode } = await client.connect({ clientId: characters.slice(start, start + length) });
          assert.equal(reasonCode, ReasonCode.SUCCESS);
        }
      }
    });

    it(`section 3.1.3.1: longer ones and other characters are allowed too (${VERSION_NAMES[version]})`, async (t) => {
      const { open, sessionIds } = await startRig(t);
      const clientIds = ['x'.repeat(24), 'y'.repeat(65_535), 'sensor/7 +#$', 'Grüße 日本 🐦', '\ufeffbom'];
      for (const clientId of clientIds) await open(version).connect({ clientId });
      assert.deepEqual(sessionIds(), clientIds);
    });
  }

  it('[MQTT-3.1.3-2] is compared character by character', async (t) => {
    const { open, sessionIds } = await startRig(t);
    // The same letter as one code point, and as two.
    const clientIds = ['a', 'A', 'a ', '\u00e9', 'e\u0301'];
    for (const clientId of clientIds) await open().connect({ clientId });
    assert.deepEqual(sessionIds(), clientIds);
  });

  it('[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16] one of zero bytes is assigned, and told', async (t) => {
    const { open, sessionIds } = await startRig(t);
    const assigned: (string | undefined)[] = [];
    for (const cleanStart of [true, false, true]) {
      const { properties, sessionPresent } = await open().connect({ clientId: '', cleanStart });
      assert.equal(sessionPresent, false);
      assigned.push(properties.assignedClientIdentifier);
    }
    assert.ok(assigned.every((clientId) => clientId !== undefined && clientId.length > 8));
    assert.equal(new Set(assigned).size, 3);
    assert.deepEqual(sessionIds(), assigned);
  });

  it('[MQTT-3.1.3-7] an assigned one can be used to come back', async (t) => {
    const { open } = await startRig(t);
    const first = open();
    const { properties } = await first.connect({ clientId: '', properties: { sessionExpiryInterval: 60 } });
    first.transport.breakOff();
    const second = open();
    const clientId = properties.assignedClientIdentifier ?? '';
    const connack = await second.connect({ clientId, cleanStart: false });
    assert.equal(connack.sessionPresent, true);
    assert.equal(connack.properties.assignedClientIdentifier, undefined);
  });

  it('[MQTT-3.1.3-8] zeroLengthClientIdAllowed false refuses it with 0x85', async (t) => {
    const { broker, open } = await startRig(t, { zeroLengthClientIdAllowed: false });
    const client = open();
    assert.equal((await client.connect({ clientId: '' })).reasonCode, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
    await client.expectClosed();
    assert.equal(broker.stats.connectsRefused, 1);
    assert.equal((await open().connect({ clientId: 'a' })).reasonCode, ReasonCode.SUCCESS);
  });
});

describe('what speaks against a Will', () => {
  for (const [reasonCode, topicNames] of [
    [ReasonCode.PROTOCOL_ERROR, ['a/+', '#', 'a/#/b', '']],
    [ReasonCode.TOPIC_NAME_INVALID, ['$SYS/broker/uptime', 'a/'.repeat(64)]],
  ] as const) {
    for (const topicName of topicNames) {
      const shown = JSON.stringify(topicName.slice(0, 20));
      it(`[MQTT-3.1.4-2] the Will Topic ${shown} is refused with 0x${reasonCode.toString(16)}`, async (t) => {
        const { broker, open } = await startRig(t);
        const client = open();
        const connack = await client.connect({ willMessage: willOf({ topicName }) });
        assert.equal(connack.reasonCode, reasonCode);
        await client.expectClosed();
        assert.equal(broker.counts.sessions, 0);
      });
    }
  }

  it('[MQTT-3.2.2-12] a Will QoS above maximumQos is refused with 0x9B', async (t) => {
    const { open } = await startRig(t, { maximumQos: 1 });
    const refused = open();
    const { reasonCode } = await refused.connect({ willMessage: willOf({ qos: 2 }) });
    assert.equal(reasonCode, ReasonCode.QOS_NOT_SUPPORTED);
    await refused.expectClosed();
    const { reasonCode: other } = await open().connect({ willMessage: willOf({ qos: 1 }) });
    assert.equal(other, ReasonCode.SUCCESS);
  });

  it('[MQTT-3.2.2-13] a Will to be retained is refused with 0x9A where retainAvailable is false', async (t) => {
    const { open } = await startRig(t, { retainAvailable: false });
    const refused = open();
    const { reasonCode } = await refused.connect({ willMessage: willOf({ retain: true }) });
    assert.equal(reasonCode, ReasonCode.RETAIN_NOT_SUPPORTED);
    await refused.expectClosed();
    assert.equal((await open().connect({ willMessage: willOf() })).reasonCode, ReasonCode.SUCCESS);
  });

  it('section 5.4.2: authorizePublish decides about the Will when it is given', async (t) => {
    const asked: string[] = [];
    const { broker, open } = await startRig(t, {
      hooks: [
        {
          name: 'no secrets',
          authorizePublish({ clientId }, { topicName, payload, properties, qos, retain }) {
            asked.push(
              [
                clientId,
                topicName,
                Buffer.from(payload).toString(),
                JSON.stringify(properties),
                qos,
                retain,
              ].join(' '),
            );
            return topicName === 'ok' ? { allow: true } : { allow: false, reasonCode: 0x87 };
          },
        },
      ],
    });
    const properties = { willDelayInterval: 5, contentType: 'text' };
    const refused = open();
    const willMessage = willOf({ topicName: 'secret', qos: 1, payload: Buffer.from('hi'), properties });
    assert.equal(
      (await refused.connect({ clientId: 'a', willMessage })).reasonCode,
      ReasonCode.NOT_AUTHORIZED,
    );
    await refused.expectClosed();
    const allowed = await open().connect({ willMessage: willOf({ topicName: 'ok' }) });
    assert.equal(allowed.reasonCode, ReasonCode.SUCCESS);
    assert.equal(asked[0], 'a secret hi {"contentType":"text"} 1 false');
    assert.equal(broker.counts.sessions, 1);
  });
});

describe('a CONNECT that is accepted', () => {
  it('[MQTT-3.1.4-5] [MQTT-3.2.0-1] is answered with a CONNACK before anything else', async (t) => {
    const { open } = await startRig(t);
    const first = open();
    await first.connect({ clientId: 'a', properties: { sessionExpiryInterval: 60 } });
    await first.subscribe('t', { qos: 1 });
    first.transport.breakOff();
    const other = open();
    await other.connect();
    other.publish('t', 'waiting', { qos: 1 });
    await other.expect('puback');
    const second = open();
    const connect = connectPacket(5, { clientId: 'a', cleanStart: false });
    second.sendBytes(bytesOf(5, connect, { type: 'pingreq' }));
    const types = (await second.all()).map(({ type }) => type);
    assert.deepEqual(types, ['connack', 'publish', 'pingresp']);
  });

  it('[MQTT-3.2.0-2] has one CONNACK', async (t) => {
    const { open } = await startRig(t);
    const client = open();
    await client.connect();
    client.send({ type: 'pingreq' });
    assert.deepEqual(await client.all(), [{ type: 'pingresp' }]);
  });
});
