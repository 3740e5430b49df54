import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { InboundTopicAliases, OutboundTopicAliases } from './topic-alias.ts';

/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);

describe('InboundTopicAliases', () => {
  it('knows what was set last, within the maximum', () => {
    const aliases = new InboundTopicAliases<string>(3);
    assert.ok(aliases.set(3, 'c') && aliases.set(1, 'a') && aliases.set(3, 'd'));
    assert.deepEqual(
      [1, 2, 3].map((alias) => aliases.get(alias)),
      ['a', undefined, 'd'],
    );
    assert.ok(!aliases.set(0, 'x') && !aliases.set(4, 'x') && !aliases.set(65_535, 'x'));
    assert.deepEqual(
      [0, 1, 3, 4].map((alias) => aliases.isAllowed(alias)),
      [false, true, true, false],
    );
    assert.deepEqual([aliases.get(0), aliases.get(4)], [undefined, undefined]);
  });

  it('takes none when the maximum is 0', () => {
    assert.ok(!new InboundTopicAliases<string>(0).set(1, 'a'));
  });
});

describe('OutboundTopicAliases', () => {
  it('replaces the topic that was not used for the longest time', () => {
    const aliases = new OutboundTopicAliases<string>(2);
    assert.equal(aliases.find('a'), 0);
    assert.deepEqual([aliases.assign('a'), aliases.assign('b')], [1, 2]);
    assert.equal(aliases.find('a'), 1);
    assert.equal(aliases.assign('c'), 2);
    assert.deepEqual([aliases.find('b'), aliases.find('a'), aliases.find('c')], [0, 1, 2]);
    assert.equal(aliases.size, 2);
  });

  it('gives none when the maximum is 0', () => {
    const aliases = new OutboundTopicAliases<string>(0);
    assert.deepEqual([aliases.assign('a'), aliases.find('a'), aliases.size], [0, 0, 0]);
  });

  it(`is understood by the other side (seed ${seed})`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 8 })),
        (maximum, topics) => {
          const outbound = new OutboundTopicAliases<number>(maximum);
          const inbound = new InboundTopicAliases<number>(maximum);
          const latest: number[] = [];
          for (const topic of topics) {
            const known = outbound.find(topic);
            assert.equal(known !== 0, latest.includes(topic));
            if (known === 0) assert.ok(inbound.set(outbound.assign(topic), topic));
            assert.equal(inbound.get(outbound.find(topic)), topic);
            if (latest.includes(topic)) latest.splice(latest.indexOf(topic), 1);
            latest.unshift(topic);
            latest.length = Math.min(latest.length, maximum);
          }
        },
      ),
      { seed, numRuns: 1000 },
    );
  });
});
