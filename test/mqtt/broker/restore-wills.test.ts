import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { RestartRig, SECOND_MS } from '../../helpers/mqtt-restart-rig.ts';
import { turnEnd, type WireClient } from '../../helpers/mqtt-wire-client.ts';
import { loadAll } from '../../helpers/stored-messages.ts';
import type { WillMessage } from '../../../src/mqtt/codec/connect.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';

const HOUR_SECONDS = 3600;

const willOf = (willDelayInterval: number, fields: Partial<WillMessage> = {}): WillMessage => ({
  topicName: 'gone',
  payload: Buffer.from('gone'),
  qos: 1,
  retain: false,
  properties: { willDelayInterval },
  ...fields,
});

/** A broker, somebody who hears of Wills, and a client that has left one. */
class WillRig {
  readonly rig: RestartRig;
  willing!: WireClient;

  constructor(rig: RestartRig) {
    this.rig = rig;
  }

  static async start(t: TestContext, will: WillMessage, expiry = HOUR_SECONDS): Promise<WillRig> {
    const wills = new WillRig(await RestartRig.start(t));
    (await wills.rig.subscribed('watcher', 'gone')).disconnect();
    await wills.comes({ willMessage: will, sessionExpiryInterval: expiry });
    await turnEnd();
    return wills;
  }

  async comes(fields: { willMessage?: WillMessage; sessionExpiryInterval?: number } = {}): Promise<void> {
    this.willing = (await this.rig.comes('willing', fields)).client;
  }

  get published(): number {
    return this.rig.broker.stats.willsPublished;
  }

  /** Passes so much time, one second after the other, and says after how many Wills were published. */
  async secondsUntilPublished(seconds: number): Promise<number | undefined> {
    for (let second = 0; second <= seconds; second++) {
      if (this.published > 0) return second;
      this.rig.clock.advance(SECOND_MS);
    }
    return undefined;
  }

  /** How many Wills the watcher has been sent by all brokers that there were. */
  async heard(): Promise<number> {
    const { client } = await this.rig.comes('watcher');
    const packets = await client.all();
    return packets.filter((packet) => packet.type === 'publish' && packet.topicName === 'gone').length;
  }
}

describe('a Will outlives the broker: it is part of the session (section 4.1)', () => {
  it('of a client that was connected is published when a broker is there again [MQTT-3.1.2-8]', async (t) => {
    const wills = await WillRig.start(t, willOf(0));
    await wills.rig.crash();
    assert.equal(wills.published, 1);
    assert.equal(await wills.heard(), 1);
  });

  it('with everything that it was given with', async (t) => {
    const { rig } = await WillRig.start(
      t,
      willOf(0, {
        payload: Uint8Array.of(0, 255, 128),
        qos: 2,
        retain: true,
        properties: {
          contentType: 'té',
          correlationData: Uint8Array.of(0),
          userProperties: [['ключ', 'a']],
          messageExpiryInterval: 100,
        },
      }),
    );
    await rig.crash(500 * SECOND_MS);
    const { client } = await rig.comes('watcher');
    const { payload, qos, properties } = await client.expect('publish');
    assert.deepEqual([...payload, qos], [0, 255, 128, 2]);
    assert.deepEqual(
      [properties?.contentType, properties?.userProperties, [...(properties?.correlationData ?? [])]],
      ['té', [['ключ', 'a']], [0]],
    );
    // Its interval counts from its publication (section 3.1.3.2.4).
    assert.equal(properties?.messageExpiryInterval, 100);
    assert.equal(rig.broker.counts.retainedMessages, 1);
  });

  it('waits for its delay from the restart on', async (t) => {
    const wills = await WillRig.start(t, willOf(60));
    await wills.rig.crash(1000 * SECOND_MS);
    assert.equal(wills.published, 0);
    wills.rig.clock.advance(59 * SECOND_MS);
    assert.equal(wills.published, 0);
    wills.rig.clock.advance(2 * SECOND_MS);
    assert.equal(wills.published, 1);
  });

  it('waits from the first restart on, whatever comes after it', async (t) => {
    const wills = await WillRig.start(t, willOf(60));
    for (let restarts = 0; restarts < 3; restarts++) await wills.rig.crash(20 * SECOND_MS);
    const seconds = await wills.secondsUntilPublished(60);
    assert.ok(seconds !== undefined && seconds >= 19 && seconds <= 22, `after ${seconds} s`);
  });

  it('that waits already goes on waiting, and no longer', async (t) => {
    const wills = await WillRig.start(t, willOf(60));
    wills.willing.transport.breakOff();
    await turnEnd();
    await wills.rig.crash(40 * SECOND_MS);
    const seconds = await wills.secondsUntilPublished(60);
    assert.ok(seconds !== undefined && seconds >= 19 && seconds <= 22, `after ${seconds} s`);
  });

  it('waits no longer than its delay where the clock was set back', async (t) => {
    const wills = await WillRig.start(t, willOf(60));
    wills.willing.transport.breakOff();
    await turnEnd();
    await wills.rig.crash(-500 * SECOND_MS);
    const seconds = await wills.secondsUntilPublished(120);
    assert.ok(seconds !== undefined && seconds <= 61, `after ${seconds} s`);
  });

  it('that was due while no broker was there is published by the next', async (t) => {
    const wills = await WillRig.start(t, willOf(60));
    wills.willing.transport.breakOff();
    await turnEnd();
    await wills.rig.crash(61 * SECOND_MS);
    assert.equal(wills.published, 1);
  });

  it('of a session whose time passed meanwhile is published too [MQTT-3.1.2-8]', async (t) => {
    const wills = await WillRig.start(t, willOf(1000), 30);
    wills.willing.transport.breakOff();
    await turnEnd();
    await wills.rig.crash(31 * SECOND_MS);
    assert.equal(wills.published, 1);
    assert.equal(await wills.heard(), 1);
  });

  it('waits no longer than its session lives', async (t) => {
    const wills = await WillRig.start(t, willOf(1000), 30);
    await wills.rig.crash();
    wills.rig.clock.advance(29 * SECOND_MS);
    assert.equal(wills.published, 0);
    wills.rig.clock.advance(2 * SECOND_MS);
    assert.equal(wills.published, 1);
  });

  it('is published once, however often brokers end', async (t) => {
    const wills = await WillRig.start(t, willOf(5));
    await wills.rig.crash();
    wills.rig.clock.advance(6 * SECOND_MS);
    for (let restarts = 0; restarts < 3; restarts++) await wills.rig.crash(10 * SECOND_MS);
    assert.equal(await wills.heard(), 1);
  });

  it('is not published when its client comes back in time [MQTT-3.1.3-9]', async (t) => {
    const wills = await WillRig.start(t, willOf(60));
    await wills.rig.crash();
    await wills.comes();
    await turnEnd();
    await wills.rig.crash(100 * SECOND_MS);
    wills.rig.clock.advance(100 * SECOND_MS);
    assert.equal(await wills.heard(), 0);
  });

  it('is that of the last CONNECT', async (t) => {
    const { rig, willing } = await WillRig.start(t, willOf(0));
    willing.disconnect();
    await rig.comes('willing', { willMessage: willOf(0, { payload: Buffer.from('second') }) });
    await rig.crash();
    const { client } = await rig.comes('watcher');
    assert.equal(Buffer.from((await client.expect('publish')).payload).toString(), 'second');
    await client.expectNothing();
  });

  it('is gone after DISCONNECT with 0x00, and not with 0x04 [MQTT-3.14.4-3]', async (t) => {
    for (const [reasonCode, expected] of [
      [ReasonCode.NORMAL_DISCONNECTION, 0],
      [ReasonCode.DISCONNECT_WITH_WILL_MESSAGE, 1],
    ] as const) {
      const wills = await WillRig.start(t, willOf(60));
      wills.willing.disconnect(reasonCode);
      await turnEnd();
      await wills.rig.crash(61 * SECOND_MS);
      assert.equal(await wills.heard(), expected);
    }
  });

  it('is left behind by a broker that is closed, to wait for the next', async (t) => {
    const wills = await WillRig.start(t, willOf(60));
    await wills.rig.broker.close();
    await wills.rig.crash(30 * SECOND_MS);
    assert.equal(wills.published, 0);
    wills.rig.clock.advance(31 * SECOND_MS);
    assert.equal(wills.published, 1);
  });

  it('of a session that ends with its connection is not stored: it is lost with the broker', async (t) => {
    const wills = await WillRig.start(t, willOf(0), 0);
    assert.deepEqual(
      (await loadAll(wills.rig.store)).sessions.map(({ clientId, will }) => [clientId, will]),
      [['watcher', undefined]],
    );
    await wills.rig.crash();
    assert.equal(wills.published, 0);
  });
});

describe('after a restart the time of a session goes on although its Will was published', () => {
  it('from the disconnection', async (t) => {
    const wills = await WillRig.start(t, willOf(50), 100);
    wills.willing.transport.breakOff();
    wills.rig.clock.advance(60 * SECOND_MS);
    assert.equal(wills.published, 1);
    await wills.rig.crash(30 * SECOND_MS);
    assert.equal(wills.rig.broker.counts.sessions, 2);
    wills.rig.clock.advance(12 * SECOND_MS);
    assert.equal(wills.rig.broker.counts.sessions, 1);
  });
});
