import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BrokerHooks, ClientInfo, ConnectVerdict, Credentials } from '../../../src/mqtt/broker/hooks.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  Attendance,
  bytesOf,
  SlowGuard,
  startRig,
  VERSION_NAMES,
  VERSIONS,
  willOf,
} from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, turnEnd, WireClient, subscribePacket } from '../../helpers/mqtt-wire-client.ts';

const ALLOW: ConnectVerdict = { allow: true };
const DENY: ConnectVerdict = { allow: false, reasonCode: ReasonCode.BAD_USER_NAME_OR_PASSWORD };
const PINGREQ = { type: 'pingreq' } as const;

type Answer = ReturnType<NonNullable<BrokerHooks['authenticate']>>;

/** A hook that answers what it is told to. */
function guard(name: string, decide: (credentials: Credentials, client: ClientInfo) => Answer): BrokerHooks {
  return { name, authenticate: (credentials, client) => decide(credentials, client) };
}

describe('what an authenticate hook is asked', () => {
  it('[MQTT-3.1.4-2] who comes, from where, and with what', async (t) => {
    const asked: { credentials: Credentials; client: ClientInfo }[] = [];
    const hook = guard('log', (credentials, client) => {
      asked.push({ credentials, client });
      return ALLOW;
    });
    const { broker, open } = await startRig(t, { hooks: [hook] });
    await open(5, { address: '192.0.2.7' }).connect({
      clientId: 'a',
      userName: 'ana',
      password: Buffer.from([0, 255]),
    });
    await open(4).connect({ clientId: 'b', userName: '' });
    await open(5).connect({ clientId: '', password: Buffer.from('token') });
    await new WireClient(broker.acceptor({ name: 'side door' }), 3).connect({ clientId: 'd' });
    assert.deepEqual(
      asked.map(({ credentials: { userName, password } }) => [userName, password && [...password]]),
      [
        ['ana', [0, 255]],
        ['', undefined],
        [undefined, [...Buffer.from('token')]],
        [undefined, undefined],
      ],
    );
    assert.deepEqual(
      asked.map(({ client }) => [client.protocolVersion, client.peer.address, client.listener]),
      [
        [5, '192.0.2.7', 'default'],
        [4, '127.0.0.1', 'default'],
        [5, '127.0.0.1', 'default'],
        [3, '127.0.0.1', 'side door'],
      ],
    );
    assert.equal(asked[2]?.client.clientId, Array.from(broker.sessions())[2]?.client.clientId);
  });

  it('section 3.1.3.6: a password is there until the hook has answered, whatever arrives meanwhile', async (t) => {
    let given: Uint8Array | undefined;
    const slow = new SlowGuard();
    const log = guard('log', ({ password }) => {
      given = password;
      return ALLOW;
    });
    const { broker } = await startRig(t, { hooks: [log, slow] });
    const { transport } = new WireClient(broker, 4);
    // The receive buffer is the same for both pieces, as that of a socket is.
    const receiver = broker.accept(transport)!;
    const buffer = bytesOf(4, connectPacket(4, { userName: 'ana', password: Buffer.from('secret') }));
    receiver.onBytes(buffer, buffer.length);
    buffer.fill(0xee);
    assert.equal(Buffer.from(given!).toString(), 'secret');
  });

  it('section 3.1.3.5: allow may say who the user is', async (t) => {
    const attendance = new Attendance();
    const hook = guard('certificate', () => ({ allow: true, userName: 'from the certificate' }));
    const { broker, open } = await startRig(t, { hooks: [hook, attendance] });
    await open().connect({ clientId: 'a', userName: 'claimed' });
    assert.equal(attendance.arrived[0]?.userName, 'from the certificate');
    assert.equal(Array.from(broker.sessions())[0]?.client.userName, 'from the certificate');
  });
});

describe('several authenticate hooks', () => {
  it('[MQTT-3.1.4-2] are asked in order, at once or later, until one denies', async (t) => {
    for (const [kind, wrap] of [
      ['at once', (verdict: ConnectVerdict): Answer => verdict],
      ['later', (verdict: ConnectVerdict): Answer => Promise.resolve(verdict)],
    ] as const) {
      const asked: string[] = [];
      const ask = (name: string, verdict: ConnectVerdict, answer: (verdict: ConnectVerdict) => Answer) =>
        guard(name, () => {
          asked.push(name);
          return answer(verdict);
        });
      const hooks = [
        ask('one', ALLOW, wrap),
        ask('two', ALLOW, (verdict) => verdict),
        ask('three', DENY, wrap),
        ask('four', ALLOW, wrap),
      ];
      const { open } = await startRig(t, { hooks });
      const { reasonCode } = await open().connect();
      assert.equal(reasonCode, ReasonCode.BAD_USER_NAME_OR_PASSWORD, kind);
      assert.deepEqual(asked, ['one', 'two', 'three'], kind);
    }
  });

  it('[MQTT-3.1.4-2] must all allow, and the last that names the user is heard', async (t) => {
    const attendance = new Attendance();
    const hooks = [
      guard('one', () => ({ allow: true, userName: 'first' })),
      guard('two', () => Promise.resolve({ allow: true, userName: 'second' })),
      guard('three', () => ALLOW),
      attendance,
    ];
    const { open } = await startRig(t, { hooks });
    assert.equal((await open().connect()).reasonCode, ReasonCode.SUCCESS);
    assert.equal(attendance.arrived[0]?.userName, 'second');
  });

  it('section 5.4.1: those of a listener are asked before those of the broker', async (t) => {
    const asked: string[] = [];
    const log = (name: string) =>
      guard(name, () => {
        asked.push(name);
        return ALLOW;
      });
    const { broker, open } = await startRig(t, { hooks: [log('broker')] });
    await new WireClient(broker.acceptor({ name: 'l', hooks: [log('listener')] })).connect();
    await open().connect();
    assert.deepEqual(asked, ['listener', 'broker', 'broker']);
  });
});

describe('an authenticate hook that denies', () => {
  it('[MQTT-3.2.2-7] [MQTT-4.13.2-1] is heard with its Reason Code and text, and the connection ends', async (t) => {
    const verdicts: ConnectVerdict[] = [];
    const hook = guard('guard', () => verdicts[0]!);
    const { broker, open } = await startRig(t, { hooks: [hook] });
    const codes = [
      0x80, 0x83, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d,
      0x9f,
    ] as const;
    for (const reasonCode of codes) {
      verdicts[0] = { allow: false, reasonCode, reasonString: `because ${reasonCode}` };
      const client = open();
      const connack = await client.connect();
      assert.equal(connack.reasonCode, reasonCode);
      assert.equal(connack.sessionPresent, false);
      assert.equal(connack.properties.reasonString, `because ${reasonCode}`);
      await client.expectClosed();
    }
    assert.equal(broker.stats.connectsRefused, codes.length);
    assert.deepEqual(broker.counts.sessions, 0);
  });

  it('[MQTT-3.2.2-8] a Reason Code that no CONNACK has becomes 0x87', async (t) => {
    const verdicts: ConnectVerdict[] = [];
    const { open } = await startRig(t, { hooks: [guard('guard', () => verdicts[0]!)] });
    for (const reasonCode of [0x00, 0x04, 0x10, 0x8e, 0x8d, 0x91, 0xa2] as const) {
      verdicts[0] = { allow: false, reasonCode };
      const client = open();
      assert.equal((await client.connect()).reasonCode, ReasonCode.NOT_AUTHORIZED);
      await client.expectClosed();
    }
  });

  for (const [what, reasonString] of [
    ['longer than a string can be', 'x'.repeat(65_536)],
    ['with U+0000', 'a\0b'],
    ['that is not well-formed', 'a\ud800b'],
  ] as const) {
    for (const [kind, wrap] of [
      ['at once', (verdict: ConnectVerdict): Answer => verdict],
      ['later', (verdict: ConnectVerdict): Answer => Promise.resolve(verdict)],
    ] as const) {
      it(`[MQTT-1.5.4-1] [MQTT-1.5.4-2] a text ${what} is left out (${kind})`, async (t) => {
        const verdict = { ...DENY, reasonString };
        const { broker, open } = await startRig(t, { hooks: [guard('guard', () => wrap(verdict))] });
        const client = open();
        const connack = await client.connect();
        assert.equal(connack.reasonCode, ReasonCode.BAD_USER_NAME_OR_PASSWORD);
        assert.equal(connack.properties.reasonString, undefined);
        await client.expectClosed();
        assert.deepEqual([broker.stats.connectsRefused, broker.stats.protocolErrors], [1, 0]);
      });
    }
  }

  for (const version of VERSIONS) {
    it(`[MQTT-3.1.4-6] nothing after its CONNECT is processed (${VERSION_NAMES[version]})`, async (t) => {
      const slow = new SlowGuard();
      const hook = guard('guard', ({ userName }) => (userName === 'late' ? slow.authenticate() : DENY));
      const { broker, open } = await startRig(t, { hooks: [hook] });
      const publish = { type: 'publish', dup: false, qos: 0, retain: true, packetId: 0 } as const;
      const message = { ...publish, topicName: 't', payload: Buffer.from('x'), properties: {} };
      for (const userName of ['now', 'late']) {
        const client = open(version);
        client.sendBytes(bytesOf(version, connectPacket(version, { userName }), message, PINGREQ));
        if (userName === 'late') slow.answer(DENY);
        await turnEnd();
        client.send(message);
        const types = (await client.all()).map(({ type }) => type);
        assert.deepEqual(types, ['connack']);
        assert.ok(client.transport.isClosed);
      }
      assert.equal(broker.stats.publishReceived, 0);
      assert.equal(broker.counts.retainedMessages, 0);
    });
  }
});

describe('an authenticate hook that fails', () => {
  for (const [what, decide] of [
    [
      'throws',
      (): Answer => {
        throw new Error('broken');
      },
    ],
    ['rejects', (): Answer => Promise.reject(new Error('broken'))],
    ['returns nothing', (): Answer => undefined as unknown as ConnectVerdict],
    ['resolves to nothing', (): Answer => Promise.resolve(undefined as unknown as ConnectVerdict)],
    ['rejects with what is no Error', (): Answer => Promise.reject('broken')],
  ] as const) {
    it(`section 4.13.2: one that ${what} is a denial with 0x80, and is counted`, async (t) => {
      const { broker, open } = await startRig(t, { hooks: [guard('broken', decide)] });
      const client = open();
      const connack = await client.connect();
      assert.equal(connack.reasonCode, ReasonCode.UNSPECIFIED_ERROR);
      assert.doesNotMatch(connack.properties.reasonString ?? '', /broken/);
      await client.expectClosed();
      assert.equal(broker.stats.hookFailures, 1);
    });
  }

  it('hookTimeoutMs: one that does not answer is a denial with 0x88, whatever it says afterwards', async (t) => {
    const slow = new SlowGuard();
    const { broker, clock, open } = await startRig(t, { hooks: [slow], hookTimeoutMs: 2000 });
    const client = open();
    client.send(connectPacket(5));
    clock.advance(1999);
    await client.expectNothing();
    clock.advance(1);
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SERVER_UNAVAILABLE);
    await client.expectClosed();
    slow.answer(ALLOW);
    await client.expectNothing();
    assert.equal(broker.stats.hookTimeouts, 1);
    assert.equal(broker.counts.sessions, 0);
    assert.equal(clock.pending, 1); // the ticker
  });

  it('hookTimeoutMs: no timer is left when the answer has come', async (t) => {
    const slow = new SlowGuard();
    const { broker, clock, open } = await startRig(t, { hooks: [slow] });
    for (const settle of [() => slow.answer(ALLOW), () => slow.fail(new Error('broken'))]) {
      const client = open();
      client.send(connectPacket(5));
      settle();
      await client.expect('connack');
    }
    clock.advance(60_000);
    assert.equal(broker.stats.hookTimeouts, 0);
    assert.equal(clock.pending, 1); // the ticker
  });

  it('hookTimeoutMs: is for each hook; connectTimeoutMs for all of them', async (t) => {
    const hooks = [new SlowGuard(), new SlowGuard()] as const;
    const options = { hooks, hookTimeoutMs: 2000, connectTimeoutMs: 3000 };
    const { broker, clock, open } = await startRig(t, options);
    const client = open();
    client.send(connectPacket(5));
    clock.advance(1900);
    hooks[0].answer(ALLOW);
    await client.expectNothing();
    clock.advance(1000);
    await client.expectNothing();
    clock.advance(500);
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SERVER_BUSY);
    await client.expectClosed();
    hooks[1].answer(ALLOW);
    await client.expectNothing();
    assert.deepEqual([broker.stats.connectTimeouts, broker.counts.sessions], [1, 0]);
  });
});

describe('while authenticate decides', () => {
  it('section 3.1.4: what the client sends waits, and is handled in order', async (t) => {
    const slow = new SlowGuard();
    const { broker, open } = await startRig(t, { hooks: [slow] });
    const client = open();
    const publish = { type: 'publish', dup: false, qos: 0, retain: false, packetId: 0 } as const;
    const rest = bytesOf(
      5,
      subscribePacket(['t'], { packetId: 7 }),
      { ...publish, topicName: 't', payload: Buffer.from('1'), properties: {} },
      { ...publish, topicName: 't', payload: Buffer.from('2'), properties: {} },
      PINGREQ,
    );
    client.sendBytes(Buffer.concat([bytesOf(5, connectPacket(5)), rest.subarray(0, 9)]));
    assert.ok(client.transport.isPaused);
    for (const byte of rest.subarray(9)) client.sendBytes([byte]);
    await client.expectNothing();
    assert.equal(broker.stats.publishReceived, 0);
    slow.answer(ALLOW);
    const types = (await client.all()).map((packet) =>
      packet.type === 'publish' ? Buffer.from(packet.payload).toString() : packet.type,
    );
    assert.deepEqual(types, ['connack', 'suback', '1', '2', 'pingresp']);
    assert.equal(client.transport.isPaused, false);
  });

  it('section 3.1.4: bytes that were on their way when reading was paused wait too', async (t) => {
    const slow = new SlowGuard();
    const { broker } = await startRig(t, { hooks: [slow] });
    const client = new WireClient(broker);
    const receiver = broker.accept(client.transport)!;
    const bytes = bytesOf(5, connectPacket(5), PINGREQ, PINGREQ, PINGREQ);
    const pieces = [
      bytes.subarray(0, -5),
      bytes.subarray(-5, -4),
      bytes.subarray(-4, -1),
      bytes.subarray(-1),
    ];
    for (const piece of pieces) {
      const borrowed = Buffer.from(piece);
      receiver.onBytes(borrowed, borrowed.length);
      borrowed.fill(0xee);
    }
    slow.answer(ALLOW);
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['connack', 'pingresp', 'pingresp', 'pingresp']);
  });

  it('[MQTT-3.1.0-2] [MQTT-3.14.0-1] a second CONNECT waits for the CONNACK, then ends the connection', async (t) => {
    const slow = new SlowGuard();
    const { open } = await startRig(t, { hooks: [slow] });
    const client = open();
    client.sendBytes(bytesOf(5, connectPacket(5), connectPacket(5)));
    await client.expectNothing();
    slow.answer(ALLOW);
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SUCCESS);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
    await client.expectClosed();
    assert.equal(slow.waiting, 0);
  });

  it('[MQTT-3.14.4-3] a DISCONNECT that waits is a normal one: the Will is not published', async (t) => {
    const slow = new SlowGuard();
    const attendance = new Attendance();
    const { broker, open } = await startRig(t, { hooks: [slow, attendance] });
    const client = open();
    const connect = connectPacket(5, { willMessage: willOf() });
    client.sendBytes(bytesOf(5, connect, { type: 'disconnect', reasonCode: 0, properties: {} }));
    slow.answer(ALLOW);
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SUCCESS);
    await client.expectClosed();
    assert.equal(attendance.left[0]?.cause.by, 'client');
    assert.equal(broker.stats.willsPublished, 0);
  });

  for (const [what, answer] of [
    ['allowed', (slow: SlowGuard) => slow.answer(ALLOW)],
    ['denied', (slow: SlowGuard) => slow.answer(DENY)],
    ['a failure', (slow: SlowGuard) => slow.fail(new Error('broken'))],
  ] as const) {
    it(`section 3.1.4: a client that is gone is forgotten, also when it is then ${what}`, async (t) => {
      const slow = new SlowGuard();
      const attendance = new Attendance();
      const { broker, open } = await startRig(t, { hooks: [slow, attendance] });
      const client = open();
      client.send(connectPacket(5, { willMessage: willOf(), properties: { sessionExpiryInterval: 60 } }));
      client.transport.breakOff();
      answer(slow);
      await client.expectClosed();
      assert.deepEqual([broker.counts.connections, broker.counts.sessions], [0, 0]);
      assert.deepEqual([attendance.arrived, attendance.left], [[], []]);
      assert.equal(broker.stats.willsPublished, 0);
    });
  }

  it('[MQTT-3.1.4-3] an earlier connection of the same client goes on until it is allowed', async (t) => {
    const slow = new SlowGuard();
    const hook = guard('second', ({ userName }) => (userName === 'slow' ? slow.authenticate() : ALLOW));
    const { open } = await startRig(t, { hooks: [hook], clientIdTakeover: 'allow' });
    const first = open();
    await first.connect({ clientId: 'a' });
    const denied = open();
    denied.send(connectPacket(5, { clientId: 'a', userName: 'slow' }));
    slow.answer(DENY);
    await denied.expect('connack');
    first.send(PINGREQ);
    await first.expect('pingresp');
    const allowed = open();
    allowed.send(connectPacket(5, { clientId: 'a', userName: 'slow' }));
    await first.expectNothing();
    slow.answer(ALLOW);
    assert.equal((await allowed.expect('connack')).reasonCode, ReasonCode.SUCCESS);
    assert.equal((await first.expect('disconnect')).reasonCode, ReasonCode.SESSION_TAKEN_OVER);
  });

  it('section 4.13: a broker that closes ends it, and no answer changes that', async (t) => {
    const slow = new SlowGuard();
    const { broker, open } = await startRig(t, { hooks: [slow] });
    const client = open();
    client.send(connectPacket(5));
    await broker.close();
    slow.answer(ALLOW);
    await client.expectClosed();
    assert.equal(broker.counts.sessions, 0);
  });
});
