import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { BlockPool, type PooledBlock } from '../../base/blocks.ts';
import { Framer } from './framer.ts';

const SHARED_BYTES = 65_536;
const PUBLISH = 0x30;

/** A packet whose bytes tell which one it is. */
function packetOf(index: number, length: number): Buffer {
  const head = [PUBLISH];
  for (let rest = length; head.length === 1 || rest > 0; rest >>>= 7) {
    head.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, index + 1)]);
}

type Held = {
  readonly block: PooledBlock;
  readonly start: number;
  readonly end: number;
  readonly packet: Buffer;
};

/** A socket that reads into the room that the framer gives, else into a buffer that is overwritten afterwards. */
class ReadingSocket {
  readonly pool = new BlockPool();
  readonly framer = new Framer(undefined, this.pool);
  readonly packets: Buffer[] = [];
  readonly #shared = Buffer.alloc(SHARED_BYTES);
  #held: Held[] = [];

  read(stream: Buffer, at: number, most: number, holds: boolean): number {
    const room = this.framer.room();
    const target = room ?? this.#shared;
    const count = Math.min(target.length, most, stream.length - at);
    stream.copy(target, 0, at, at + count);
    this.framer.push(target, 0, count);
    while (this.framer.next()) this.#take(holds);
    if (room === undefined) this.#shared.fill(0xee);
    if (!holds) this.letGo();
    return count;
  }

  /** What was held is still what it was. */
  letGo(): void {
    for (const { block, start, end, packet } of this.#held) {
      assert.ok(block.buffer.subarray(start, end).equals(packet));
      block.release();
    }
    this.#held = [];
  }

  #take(holds: boolean): void {
    const { bytes, packetStart: start, bodyEnd: end, block } = this.framer;
    const packet = Buffer.from(bytes.subarray(start, end));
    this.packets.push(packet);
    if (!holds || block === undefined) return;
    block.hold();
    this.#held.push({ block, start, end, packet });
  }
}

const lengths = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 3000, max: 20_000 }),
  fc.integer({ min: 60_000, max: 600_000 }),
);
const reads = fc.record({
  most: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 40_000 })),
  holds: fc.boolean(),
});

describe('a framer with blocks', () => {
  it('shows every packet whole, however it is read, and overwrites nothing that is held', () => {
    const anyStream = fc.array(lengths, { minLength: 1, maxLength: 30 });
    const anyReads = fc.array(reads, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(anyStream, anyReads, (sizes, plan) => {
        const sent = sizes.map((length, index) => packetOf(index, length));
        const stream = Buffer.concat(sent);
        const socket = new ReadingSocket();
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const { most, holds } = plan[turn % plan.length]!;
          at += socket.read(stream, at, most, holds);
        }
        socket.letGo();
        assert.deepEqual(
          socket.packets.map((packet) => packet.length),
          sent.map((packet) => packet.length),
        );
        assert.ok(socket.packets.every((packet, index) => packet.equals(sent[index]!)));
      }),
      { numRuns: 60 },
    );
  });

  it('holds at most three times what has come of a packet, whatever the packet says', () => {
    const framer = new Framer(undefined, new BlockPool());
    const packet = packetOf(1, 50_000_000);
    let came = 0;
    for (const size of [5, 1000, 40_000, 65_536, 65_536, 1_000_000]) {
      framer.push(packet, came, came + size);
      assert.ok(!framer.next());
      came += size;
      framer.room();
      assert.equal(framer.heldBytes, came);
      assert.ok(
        framer.heldCapacityBytes <= 3 * Math.max(65_536, came),
        `${framer.heldCapacityBytes} of ${came}`,
      );
    }
  });

  it('keeps no block when nothing is left of the stream', () => {
    const pool = new BlockPool();
    const framer = new Framer(undefined, pool);
    const packet = packetOf(1, 100_000);
    framer.push(packet, 0, SHARED_BYTES);
    assert.ok(!framer.next());
    const room = framer.room()!;
    const rest = packet.copy(room, 0, SHARED_BYTES);
    framer.push(room, 0, rest);
    assert.ok(framer.next());
    assert.ok(!framer.next());
    assert.equal(framer.room(), undefined);
    assert.equal(framer.heldCapacityBytes, 0);
    assert.ok(pool.freeBytes > 0);
  });
});
