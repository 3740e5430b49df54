import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { anyPacket, PACKET_TYPES, VERSIONS, type Random } from '../../helpers/mqtt-packets.ts';
import { comparable, decodeFrame, encodeToBytes, framerOf, framesOf } from '../../helpers/mqtt-vectors.ts';

/** `FUZZ_SEED=…` repeats a run. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_122);

describe(`every packet of every version survives encoding and decoding (seed ${seed})`, () => {
  for (const version of VERSIONS) {
    for (const type of PACKET_TYPES) {
      if (type === 'auth' && version !== 5) continue;
      it(`${type} of version ${version}`, () => {
        const property = fc.property(fc.gen(), (generate) => {
          const random: Random = (below) => generate(fc.nat, below - 1);
          const packet = anyPacket(random, type, version);
          const bytes = encodeToBytes(packet, version);
          const frames = framesOf([bytes], framerOf(version));
          assert.equal(frames.length, 1);
          const decoded = decodeFrame(frames[0]!, version);
          assert.deepEqual(comparable(decoded), comparable(packet));
          assert.equal(encodeToBytes(decoded, version).toString('hex'), bytes.toString('hex'));
        });
        fc.assert(property, { seed, numRuns: 300 });
      });
    }
  }
});

describe(`a stream of packets comes out the same however it is split (seed ${seed})`, () => {
  it('in random pieces', () => {
    const property = fc.property(fc.gen(), (generate) => {
      const random: Random = (below) => generate(fc.nat, below - 1);
      const version = VERSIONS[random(3)]!;
      const packets = Array.from({ length: 1 + random(6) }, () =>
        anyPacket(random, PACKET_TYPES[random(version === 5 ? 15 : 14)]!, version),
      );
      const stream = Buffer.concat(packets.map((packet) => encodeToBytes(packet, version)));
      const pieces: Buffer[] = [];
      for (let at = 0; at < stream.length;) {
        const length = 1 + random(random(2) === 0 ? 3 : 200);
        pieces.push(stream.subarray(at, at + length));
        at += length;
      }
      const frames = framesOf(pieces, framerOf(version));
      assert.deepEqual(
        frames.map((frame) => comparable(decodeFrame(frame, version))),
        packets.map(comparable),
      );
    });
    fc.assert(property, { seed, numRuns: 300 });
  });
});
