import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ScriptedBroker, welcome, type ScriptedClient } from '../helpers/scripted-broker.ts';
import { until } from '../helpers/until.ts';
import { connectBus } from '../../src/bus/client-bus.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { createRequester, type Requester, type RequesterOptions } from '../../src/rpc/index.ts';

const puback = (packetId: number): ControlPacket => ({
  type: 'puback',
  packetId,
  reasonCode: 0,
  properties: {},
});
const answer = (payload: string): ControlPacket => ({
  type: 'publish',
  dup: false,
  qos: 0,
  retain: false,
  topicName: 'answers',
  packetId: 0,
  properties: {},
  payload: Buffer.from(payload),
});

/** A requester over a connection whose other end sends exactly these packets after a request, in one piece. */
async function open(
  t: TestContext,
  respond: (packetId: number, payload: string) => readonly ControlPacket[],
  options: RequesterOptions = {},
): Promise<{ requester: Requester; send: (packet: ControlPacket) => void }> {
  let last: ScriptedClient | undefined;
  const broker = await ScriptedBroker.start((packet, client) => {
    last = client;
    if (packet.type === 'connect') client.send(welcome());
    if (packet.type === 'subscribe')
      client.send({ type: 'suback', packetId: packet.packetId, properties: {}, reasonCodes: [0] });
    if (packet.type !== 'publish') return;
    client.socket.cork();
    for (const each of respond(packet.packetId, Buffer.from(packet.payload).toString())) client.send(each);
    client.socket.uncork();
  });
  const bus = await connectBus(broker.url, { protocolVersion: 4 });
  const requester = createRequester(bus, {
    correlation: { responseTopic: 'answers' },
    settleMs: 1,
    timeoutMs: 30_000,
    ...options,
  });
  t.after(async () => {
    requester.close();
    await bus.close();
    await broker.close();
  });
  return { requester, send: (packet) => last?.send(packet) };
}

describe('an answer that is read together with PUBACK', () => {
  it('is taken when it came after it', async (t) => {
    const { requester } = await open(t, (packetId, payload) => [puback(packetId), answer(`to ${payload}`)]);
    for (let number = 0; number < 20; number++) {
      const { payload } = await requester.request('requests', `${number}`);
      assert.equal(Buffer.from(payload).toString(), `to ${number}`);
    }
    assert.equal(requester.counters.strays, 0);
  });

  it('is not taken when it came before it', async (t) => {
    const { requester, send } = await open(t, (packetId) => [answer('to another'), puback(packetId)]);
    for (let number = 1; number <= 20; number++) {
      const asked = requester.request('requests', 'x');
      await until('the stray', () => requester.counters.strays === number);
      send(answer('to this one'));
      assert.equal(Buffer.from((await asked).payload).toString(), 'to this one');
    }
  });

  it('is taken after all when this broker always acknowledges so late', async (t) => {
    const options = { timeoutMs: 200, quarantineMs: 1 };
    const { requester } = await open(t, (packetId) => [answer('early'), puback(packetId)], options);
    for (let lost = 0; lost < 5; lost++)
      await assert.rejects(requester.request('requests', 'x'), { code: 'ANSWER_TIMEOUT' });
    const { payload } = await requester.request('requests', 'x', { timeoutMs: 30_000 });
    assert.equal(Buffer.from(payload).toString(), 'early');
  });
});
