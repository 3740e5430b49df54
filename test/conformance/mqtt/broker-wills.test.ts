import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WillMessage } from '../../../src/mqtt/codec/connect.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { ALLOW } from '../../../src/mqtt/index.ts';
import {
  startRig,
  textOf,
  VERSION_NAMES,
  VERSIONS,
  willOf,
  type ConnectFields,
} from '../../helpers/mqtt-broker-rig.ts';

const FOREVER = 0xffff_ffff;
/** The broker looks at its timers this often. */
const TICK_MS = 250;

function delayed(willDelayInterval: number, fields: Partial<WillMessage> = {}): WillMessage {
  return willOf({ properties: { willDelayInterval }, ...fields });
}

/** Client `a` with a Will and a session that lives on. */
function withWill(willMessage: WillMessage | undefined, sessionExpiryInterval = 60): ConnectFields {
  return { clientId: 'a', cleanStart: false, willMessage, properties: { sessionExpiryInterval } };
}

describe('a Will', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-3.1.2-7] [MQTT-3.1.2-8] is published when the connection breaks (${VERSION_NAMES[version]})`, async (t) => {
      const { broker, connected, subscribed } = await startRig(t);
      const watcher = await subscribed('#');
      const payload = Buffer.from([0, 1, 255]);
      const client = await connected(
        { willMessage: willOf({ topicName: 'a/will', payload, qos: 1 }) },
        version,
      );
      await watcher.expectNothing();
      client.transport.breakOff();
      const will = await watcher.expect('publish');
      assert.deepEqual([will.topicName, will.qos, will.retain, will.dup], ['a/will', 1, false, false]);
      assert.deepEqual([...will.payload], [0, 1, 255]);
      assert.deepEqual([broker.stats.willsPublished, broker.counts.retainedMessages], [1, 0]);
    });

    it(`[MQTT-3.1.2-14] [MQTT-3.1.2-15] is retained as it says (${VERSION_NAMES[version]})`, async (t) => {
      const { connected, subscribed } = await startRig(t);
      const watcher = await subscribed('#');
      for (const retain of [false, true]) {
        const client = await connected(
          { willMessage: willOf({ topicName: `w/${retain}`, retain }) },
          version,
        );
        client.transport.breakOff();
        assert.equal((await watcher.expect('publish')).retain, retain);
      }
      const late = await subscribed('w/+');
      const kept = await late.expect('publish');
      assert.deepEqual([kept.topicName, kept.retain], ['w/true', true]);
      await late.expectNothing();
    });

    for (const qos of [0, 1, 2] as const) {
      it(`[MQTT-3.1.2-9] has its own QoS ${qos} (${VERSION_NAMES[version]})`, async (t) => {
        const { connected, subscribed } = await startRig(t);
        const watcher = await subscribed('will');
        const client = await connected({ willMessage: willOf({ qos }) }, version);
        client.transport.breakOff();
        assert.equal((await watcher.expect('publish')).qos, qos);
      });
    }

    it(`[MQTT-3.1.2-10] is published once, and not for a later connection (${VERSION_NAMES[version]})`, async (t) => {
      const { broker, connected } = await startRig(t);
      const first = await connected(withWill(willOf()), version);
      first.transport.breakOff();
      const second = await connected(withWill(undefined), version);
      second.transport.breakOff();
      assert.equal(broker.stats.willsPublished, 1);
    });

    it(`[v3.1.1 MQTT-3.1.2-12] there is none where none was given (${VERSION_NAMES[version]})`, async (t) => {
      const { broker, connected } = await startRig(t);
      const client = await connected({}, version);
      client.transport.breakOff();
      assert.equal(broker.stats.willsPublished, 0);
    });

    it(`section 3.1.2.5: is published on a Protocol Error of its client (${VERSION_NAMES[version]})`, async (t) => {
      const { connected, subscribed } = await startRig(t);
      const watcher = await subscribed('will');
      const client = await connected({ willMessage: willOf() }, version);
      client.sendBytes('00 00');
      await watcher.expect('publish');
    });
  }

  it('[MQTT-3.3.1-6] may be empty, and to be retained: then it removes what was retained', async (t) => {
    const { broker, connected, subscribed } = await startRig(t);
    broker.publish({ topicName: 'will', payload: 'online', retain: true });
    const watcher = await subscribed('will');
    await watcher.expect('publish');
    const client = await connected({ willMessage: willOf({ payload: new Uint8Array(0), retain: true }) });
    client.transport.breakOff();
    assert.equal((await watcher.expect('publish')).payload.length, 0);
    assert.equal(broker.counts.retainedMessages, 0);
  });

  it('section 3.1.3.4: may have 65535 bytes', async (t) => {
    const { connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    const client = await connected({ willMessage: willOf({ payload: Buffer.alloc(65_535, 7) }) });
    client.transport.breakOff();
    assert.equal((await watcher.expect('publish')).payload.length, 65_535);
  });

  it('section 3.1.2.5: is replaced by that of the next connection', async (t) => {
    const { connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    for (const text of ['first', 'second']) {
      const client = await connected(withWill(willOf({ payload: Buffer.from(text) })));
      client.transport.breakOff();
      assert.equal(Buffer.from((await watcher.expect('publish')).payload).toString(), text);
    }
  });

  it('section 3.1.2.5: waits for its own client like any message', async (t) => {
    const { connected } = await startRig(t);
    const first = await connected(withWill(willOf({ qos: 1 })));
    await first.subscribe('will', { qos: 1 });
    first.transport.breakOff();
    const second = await connected(withWill(undefined));
    assert.equal((await second.expect('publish')).topicName, 'will');
  });

  it('section 3.1.2.5: goes to the embedding program too, and onPublished tells of it without sender', async (t) => {
    const told: [string, unknown][] = [];
    const onPublished = ({ topicName }: { topicName: string }, from: unknown): void =>
      void told.push([topicName, from]);
    const { broker, connected } = await startRig(t, { hooks: [{ name: 'log', onPublished }] });
    const received: string[] = [];
    broker.subscribe('will', ({ payload }) => received.push(Buffer.from(payload).toString()));
    const client = await connected({ willMessage: willOf() });
    client.transport.breakOff();
    assert.deepEqual([received, told], [['bye'], [['will', undefined]]]);
  });
});

describe('the properties of a Will', () => {
  const properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 100,
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Buffer.from([1, 2, 3]),
    userProperties: [
      ['b', '1'],
      ['a', '2'],
      ['b', '1'],
      ['', ''],
    ] as const,
  };

  it('[MQTT-3.1.3-10] section 3.1.3.2: go with it, User Properties in their order', async (t) => {
    const { connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    const willMessage = willOf({ properties: { ...properties, willDelayInterval: 0 } });
    const client = await connected({ willMessage });
    client.transport.breakOff();
    const { correlationData, ...others } = (await watcher.expect('publish')).properties;
    assert.deepEqual([...(correlationData ?? [])], [1, 2, 3]);
    const { correlationData: _, ...expected } = properties;
    assert.deepEqual(others, expected);
  });

  it('section 3.1.3.2: are left out for earlier versions, which have none', async (t) => {
    const { connected } = await startRig(t);
    const watcher = await connected({}, 4);
    await watcher.subscribe('will');
    const client = await connected({ willMessage: willOf({ properties }) });
    client.transport.breakOff();
    assert.equal((await watcher.bytes()).toString('latin1'), '0\u0009\0\u0004willbye');
  });

  it('section 3.1.3.2.4: the Message Expiry Interval begins when it is published', async (t) => {
    const { broker, clock, connected, subscribed } = await startRig(t);
    const timely = { willDelayInterval: 50, messageExpiryInterval: 10 };
    const client = await connected(withWill(willOf({ retain: true, properties: timely })));
    const watcher = await subscribed('will');
    client.transport.breakOff();
    clock.advance(50_000);
    assert.equal((await watcher.expect('publish')).properties.messageExpiryInterval, 10);
    clock.advance(4000);
    const late = await subscribed('will');
    assert.equal((await late.expect('publish')).properties.messageExpiryInterval, 6);
    clock.advance(6250);
    assert.equal(broker.counts.retainedMessages, 0);
  });

  for (const [what, hex, reasonCode] of [
    ['Will Delay Interval twice', '18 00000001 18 00000001', ReasonCode.PROTOCOL_ERROR],
    ['Payload Format Indicator 2', '01 02', ReasonCode.PROTOCOL_ERROR],
    ['a Response Topic with a wildcard', '08 0001 23', ReasonCode.PROTOCOL_ERROR],
    ['a Topic Alias', '23 0001', ReasonCode.MALFORMED_PACKET],
    ['a Subscription Identifier', '0b 01', ReasonCode.MALFORMED_PACKET],
  ] as const) {
    it(`section 3.1.3.2: ${what} is answered with 0x${reasonCode.toString(16)}`, async (t) => {
      const { open } = await startRig(t);
      const held = Buffer.from(hex.replaceAll(' ', ''), 'hex');
      const head = Buffer.from('00044d515454050600000000 0161'.replaceAll(' ', ''), 'hex');
      const tail = Buffer.from('000177000178', 'hex');
      const body = Buffer.concat([head, Buffer.from([held.length]), held, tail]);
      const client = open();
      client.sendBytes(Buffer.concat([Buffer.from([0x10, body.length]), body]));
      assert.equal((await client.expect('connack')).reasonCode, reasonCode);
      await client.expectClosed();
    });
  }
});

describe('a Will with a delay', () => {
  for (const [what, delay, expiry, seconds] of [
    ['its Will Delay Interval', 10, 60, 10],
    ['its Will Delay Interval, in a session that never ends', 10, FOREVER, 10],
    ['the end of its session, when that comes first', 60, 10, 10],
    ['the end of its session, when both come at once', 10, 10, 10],
    ['the end of its session, however long the delay', FOREVER, 10, 10],
  ] as const) {
    it(`[MQTT-3.1.2-8] section 3.1.3.2.2: waits for ${what}`, async (t) => {
      const { broker, clock, connected, subscribed } = await startRig(t);
      const watcher = await subscribed('will');
      const client = await connected(withWill(delayed(delay), expiry));
      client.transport.breakOff();
      clock.advance(seconds * 1000 - 1);
      await watcher.expectNothing();
      clock.advance(1 + TICK_MS);
      const { properties } = await watcher.expect('publish');
      assert.deepEqual({ ...properties }, {});
      clock.advance(120_000);
      await watcher.expectNothing();
      assert.equal(broker.stats.willsPublished, 1);
      assert.equal(broker.counts.sessions, expiry === FOREVER ? 2 : 1);
    });
  }

  it('section 3.1.3.2.2: waits for nothing where the session ends with the connection', async (t) => {
    const { connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    const client = await connected(withWill(delayed(FOREVER), 0));
    client.transport.breakOff();
    await watcher.expect('publish');
  });

  it('section 3.1.3.2.2: the session goes on when the Will has been published', async (t) => {
    const { broker, clock, connected, open } = await startRig(t);
    const client = await connected(withWill(delayed(10)));
    client.transport.breakOff();
    clock.advance(59_000);
    assert.equal(broker.stats.willsPublished, 1);
    assert.equal((await open().connect(withWill(undefined))).sessionPresent, true);
  });

  it('[MQTT-3.1.3-9] is not published when the client comes back in time', async (t) => {
    const { broker, clock, connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    const first = await connected(withWill(delayed(10)));
    first.transport.breakOff();
    clock.advance(9999);
    const second = await connected(withWill(undefined));
    clock.advance(60_000);
    second.disconnect();
    clock.advance(120_000);
    await watcher.expectNothing();
    assert.equal(broker.stats.willsPublished, 0);
  });

  it('[MQTT-3.1.2-8] is published when the client comes back with Clean Start: its session has ended', async (t) => {
    const { connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    const first = await connected(withWill(delayed(10)));
    first.transport.breakOff();
    await connected({ clientId: 'a', cleanStart: true });
    await watcher.expect('publish');
  });

  it('[MQTT-3.1.2-8] is published when another user takes the Client Identifier', async (t) => {
    const proving = { name: 'users', authenticate: () => ALLOW };
    const options = { clientIdTakeover: 'allow', hooks: [proving] } as const;
    const { broker, clock, connected, subscribed } = await startRig(t, options);
    const watcher = await subscribed('will');
    const first = await connected({ ...withWill(delayed(10)), userName: 'ana' });
    first.transport.breakOff();
    await connected({ ...withWill(undefined), userName: 'ben' });
    await watcher.expect('publish');
    clock.advance(60_000);
    assert.equal(broker.stats.willsPublished, 1);
  });

  it('[MQTT-3.1.2-8] is published when the session is ended by the program', async (t) => {
    const { broker, connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    const client = await connected(withWill(delayed(10)));
    client.transport.breakOff();
    broker.disconnectClient('a', { endSession: true });
    await watcher.expect('publish');
    assert.equal(broker.stats.willsPublished, 1);
  });

  it('[MQTT-3.14.4-3] is not published after a DISCONNECT of 0x00, and after 0x04 it waits', async (t) => {
    const { broker, clock, connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    const first = await connected(withWill(delayed(10)));
    first.disconnect();
    clock.advance(20_000);
    await watcher.expectNothing();
    const second = await connected(withWill(delayed(10)));
    second.disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE);
    clock.advance(9999);
    await watcher.expectNothing();
    clock.advance(1 + TICK_MS);
    await watcher.expect('publish');
    assert.equal(broker.stats.willsPublished, 1);
  });
});

describe('the Will of a connection that is taken over', () => {
  for (const [what, delay, expiry, cleanStart, expected] of [
    ['is published where it has no delay', 0, 60, false, 1],
    ['is published where it has none, with Clean Start', 0, 60, true, 1],
    ['is not published where it has a delay and the session goes on', 10, 60, false, 0],
    ['is published where it has a delay and Clean Start ends the session', 10, 60, true, 1],
    ['is published where the session ends with the connection', 10, 0, false, 1],
  ] as const) {
    it(`section 3.1.4: ${what}`, async (t) => {
      const { broker, clock, connected, subscribed } = await startRig(t);
      const watcher = await subscribed('will');
      await connected(withWill(delayed(delay), expiry));
      await connected({ ...withWill(undefined), cleanStart });
      assert.equal((await watcher.all()).length, expected);
      clock.advance(120_000);
      assert.equal(broker.stats.willsPublished, expected);
    });
  }
});

describe('what becomes of a Will of a CONNECT that is refused', () => {
  it('[MQTT-3.1.4-2] it is never published', async (t) => {
    const denial = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const;
    const { broker, open } = await startRig(t, { hooks: [{ name: 'guard', authenticate: () => denial }] });
    const client = open();
    await client.connect({ willMessage: willOf({ retain: true }) });
    await client.expectClosed();
    assert.deepEqual([broker.stats.willsPublished, broker.counts.retainedMessages], [0, 0]);
  });
});

describe('the rules about a Will', () => {
  for (const [when, delay] of [
    ['at once', 0],
    ['after its delay', 30],
  ] as const) {
    it(`are asked again when it is published, ${when}`, async (t) => {
      let isAllowed = true;
      const { broker, clock, connected, subscribed, lines } = await startRig(t, {
        hooks: [
          {
            name: 'guard',
            authorizePublish: () =>
              isAllowed ? ALLOW : { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED },
          },
        ],
      });
      const watcher = await subscribed('#');
      const client = await connected(withWill(delayed(delay)));
      isAllowed = false;
      client.transport.breakOff();
      clock.advance(delay * 1000 + TICK_MS);
      await watcher.expectNothing();
      assert.deepEqual([broker.stats.willsPublished, broker.stats.publishDenied], [0, 1]);
      assert.ok(lines.some(({ text }) => text.includes('may not be published any more')));
    });
  }

  for (const [what, retainedBy, payload, isCleared] of [
    ['may still take back what its own client has retained', 'own-1', '', true],
    ['does not take back what somebody else has retained', 'other-1', '', false],
    ['does not replace what its own client has retained', 'own-1', 'new', false],
  ] as const) {
    it(`a Will that is denied at last ${what}`, async (t) => {
      const denied = new Set<string>();
      const { broker, connected, subscribed } = await startRig(t, {
        partyOf: ({ clientId }) => clientId.split('-')[0]!,
        hooks: [
          {
            name: 'guard',
            authorizePublish: ({ clientId }) =>
              denied.has(clientId) ? { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } : ALLOW,
          },
        ],
      });
      const willMessage = willOf({ topicName: 'agents/one', payload: Buffer.from(payload), retain: true });
      const agent = await connected({ clientId: 'own-1', willMessage });
      const other = await connected({ clientId: 'other-1' });
      (retainedBy === 'own-1' ? agent : other).publish('agents/one', 'here', { retain: true });
      const watcher = await subscribed('agents/#');
      assert.equal(textOf(await watcher.expect('publish')), 'here');
      denied.add('own-1');
      broker.disconnectClient('own-1', { endSession: true });
      if (isCleared) assert.equal(textOf(await watcher.expect('publish')), '');
      else await watcher.expectNothing();
      assert.equal(broker.counts.retainedMessages, isCleared ? 0 : 1);
      assert.equal(broker.stats.publishDenied, isCleared ? 0 : 1);
    });
  }
});
