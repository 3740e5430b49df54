import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PacketType } from '../../../src/mqtt/codec/control-packet.ts';
import { openClientRig, publishPacket, welcoming } from '../../helpers/client-rig.ts';
import { until } from '../../helpers/until.ts';

/** A packet of so many bytes behind its Fixed Header. */
function packetOf(firstByte: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.length; ; left >>>= 7) {
    if (left < 128) {
      length.push(left);
      break;
    }
    length.push((left & 127) | 128);
  }
  return Buffer.concat([Buffer.from([firstByte, ...length]), body]);
}

const USER_PROPERTY = Buffer.from([0x26, 0, 1, 0x6b, 0, 0]);

/** A PUBLISH to `a`, with so many properties of which each becomes two texts and a list. */
function withProperties(count: number): Buffer {
  const properties = Buffer.concat(Array.from({ length: count }, () => USER_PROPERTY));
  const length = packetOf(0, properties).subarray(1, -properties.length);
  return packetOf(PacketType.PUBLISH << 4, Buffer.concat([Buffer.from([0, 1, 0x61]), length, properties]));
}

describe('a broker that means harm', () => {
  it('is left when it takes acknowledgements of more than it can wait for, and reads none', async (t) => {
    const { broker, client, events } = await openClientRig(t, welcoming, { reconnectMinMs: 60_000 });
    const [peer] = broker.clients;
    peer!.socket.pause();
    // Each is answered by PUBCOMP, also those that nobody knows.
    const released = Buffer.concat(
      Array.from({ length: 16_384 }, (_, id) => Buffer.from([0x62, 2, (id + 1) >> 8, (id + 1) & 0xff])),
    );
    await until('it is left', () => {
      if (peer!.socket.writableLength === 0) peer!.socket.write(released);
      return events.some(({ type }) => type === 'lost');
    });
    const { error } = events.find(({ type }) => type === 'lost') as { error: Error };
    assert.match(error.message, /does not read what it is sent/);
    assert.equal(client.isConnected, false);
  });

  for (const [what, bytes] of [
    ['a packet that is no PUBLISH', packetOf(0x90, Buffer.alloc(200_000))],
    ['the properties of a PUBLISH', withProperties(40_000)],
  ] as const) {
    it(`is left when ${what} would become far more than its bytes`, async (t) => {
      const { broker, events, arrived } = await openClientRig(t, welcoming, { reconnectMinMs: 60_000 });
      broker.clients[0]!.socket.write(bytes);
      await until('it is left', () => events.some(({ type }) => type === 'lost'));
      assert.equal(broker.packetsOf('disconnect')[0]?.reasonCode, 0x95);
      assert.equal(arrived.length, 0);
    });
  }

  it('may send large messages, and properties that are not', async (t) => {
    const { broker, arrived } = await openClientRig(t, welcoming);
    broker.clients[0]!.send(publishPacket('a', 'x'.repeat(1_000_000)));
    broker.clients[0]!.socket.write(withProperties(20_000));
    await until('both have come', () => arrived.length === 2);
  });
});
