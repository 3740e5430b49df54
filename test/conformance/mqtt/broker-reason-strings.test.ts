import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import type { BrokerHooks } from '../../../src/mqtt/index.ts';
import { connected, startBroker } from '../../helpers/mqtt-broker-rig.ts';
import { subscribePacket } from '../../helpers/mqtt-wire-client.ts';

const REFUSAL = 'this door is not yours';
const doorman: BrokerHooks = {
  name: 'doorman',
  authorizePublish: () => ({
    allow: false,
    reasonCode: ReasonCode.NOT_AUTHORIZED,
    reasonString: REFUSAL,
  }),
  authorizeSubscribe: (_client, topicFilter) =>
    topicFilter === 'open'
      ? { allow: true }
      : { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reasonString: REFUSAL },
};

describe('Reason Strings (sections 3.4.2.2.2, 3.5.2.2.2, 3.9.2.1.2, 3.11.2.1.2)', () => {
  it('say in PUBACK and PUBREC why a PUBLISH was refused', async (t) => {
    const client = await connected(await startBroker(t, { hooks: [doorman] }));
    client.publish('door', 'x', { qos: 1 });
    const puback = await client.expect('puback');
    assert.deepEqual([puback.reasonCode, puback.properties.reasonString], [0x87, REFUSAL]);
    client.publish('door', 'x', { qos: 2 });
    const pubrec = await client.expect('pubrec');
    assert.deepEqual([pubrec.reasonCode, pubrec.properties.reasonString], [0x87, REFUSAL]);
  });

  it('say of the broker itself what it does not do', async (t) => {
    const client = await connected(await startBroker(t, { maxRetainedMessages: 0 }));
    client.publish('a', 'x', { qos: 1, retain: true });
    const full = await client.expect('puback');
    assert.equal(full.reasonCode, ReasonCode.QUOTA_EXCEEDED);
    assert.match(full.properties.reasonString ?? '', /retained messages/);
    client.publish('$SYS/broker/uptime', 'x', { qos: 1 });
    assert.match((await client.expect('puback')).properties.reasonString ?? '', /\$SYS/);
  });

  it('say in SUBACK and UNSUBACK which filter is meant', async (t) => {
    const client = await connected(await startBroker(t, { hooks: [doorman] }));
    const tooDeep = 'a/'.repeat(64);
    client.send(subscribePacket(['open', 'door', tooDeep]));
    const suback = await client.expect('suback');
    assert.deepEqual(suback.reasonCodes, [0, 0x87, 0x8f]);
    assert.equal(suback.properties.reasonString, `door: ${REFUSAL}; ${tooDeep}: Topic Filter invalid`);
    client.send({ type: 'unsubscribe', packetId: 2, properties: {}, topicFilters: ['open', tooDeep] });
    const unsuback = await client.expect('unsuback');
    assert.deepEqual(unsuback.reasonCodes, [0, 0x8f]);
    assert.equal(unsuback.properties.reasonString, `${tooDeep}: Topic Filter invalid`);
  });

  it('[MQTT-3.1.2-29] are left out of them for a client that does not want them', async (t) => {
    const broker = await startBroker(t, { hooks: [doorman] });
    const client = await connected(broker, 5, { properties: { requestProblemInformation: false } });
    client.publish('door', 'x', { qos: 1 });
    const puback = await client.expect('puback');
    assert.deepEqual([puback.reasonCode, puback.properties], [0x87, {}]);
    const suback = await client.subscribe('door');
    assert.deepEqual([suback.reasonCodes, suback.properties], [[0x87], {}]);
  });

  it('[MQTT-3.4.2-2] [MQTT-3.9.2-1] are left out where they would make the packet too large', async (t) => {
    const broker = await startBroker(t, { hooks: [doorman], maximumPacketSize: 100 });
    const client = await connected(broker, 5, { properties: { maximumPacketSize: 20 } });
    client.publish('door', 'x', { qos: 1 });
    const puback = await client.expect('puback');
    assert.deepEqual([puback.reasonCode, puback.properties], [0x87, {}]);
    const suback = await client.subscribe('door');
    assert.deepEqual([suback.reasonCodes, suback.properties], [[0x87], {}]);
  });
});
