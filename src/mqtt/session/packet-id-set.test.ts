import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { PacketIdSet } from './packet-id-set.ts';

const ALL = Array.from({ length: 65_535 }, (_, index) => index + 1);

describe('PacketIdSet', () => {
  it('holds every Packet Identifier, each once', () => {
    const set = new PacketIdSet();
    assert.ok(ALL.every((packetId) => !set.has(packetId) && set.add(packetId) && set.has(packetId)));
    assert.equal(set.size, 65_535);
    assert.ok(ALL.every((packetId) => !set.add(packetId)));
    assert.equal(set.size, 65_535);
    assert.ok(ALL.every((packetId) => set.delete(packetId) && !set.has(packetId) && !set.delete(packetId)));
    assert.equal(set.size, 0);
  });

  it('does what a Set does', () => {
    // Neighbours, the ends of words and of pages, and anything.
    const anyId = fc.oneof(
      fc.constantFrom(1, 2, 31, 32, 33, 1023, 1024, 1025, 32_767, 32_768, 65_504, 65_534, 65_535),
      fc.integer({ min: 1, max: 65_535 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), anyId), { maxLength: 200 }), (steps) => {
        const set = new PacketIdSet();
        const expected = new Set<number>();
        for (const [isAdded, packetId] of steps) {
          const isIn = expected.has(packetId);
          assert.equal(set.has(packetId), isIn);
          if (isAdded) assert.equal(set.add(packetId), !isIn);
          else assert.equal(set.delete(packetId), isIn);
          if (isAdded) expected.add(packetId);
          else expected.delete(packetId);
          assert.equal(set.size, expected.size);
        }
      }),
    );
  });
});
