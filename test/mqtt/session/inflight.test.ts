import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { keepMessage } from '../../helpers/stored-messages.ts';
import { Inflight, InflightState } from '../../../src/mqtt/session/inflight.ts';
import { QueuedMessage } from '../../../src/mqtt/session/queued-message.ts';

const { FREE, PUBACK, PUBREC, PUBCOMP } = InflightState;
const MESSAGE = keepMessage({});
const MAX_IN_USE = 32_768;

const queuedAt = (sequence: number): QueuedMessage =>
  new QueuedMessage(MESSAGE, 1, false, [], sequence, undefined);

describe('Inflight', () => {
  it('gives identifiers from 1 to 65,535 and from 1 again, never 0 [MQTT-2.2.1-3]', () => {
    const inflight = new Inflight();
    for (let round = 0; round < 3; round++) {
      for (let expected = 1; expected <= 65_535; expected++) {
        const packetId = inflight.add(PUBACK, undefined);
        if (packetId !== expected) assert.equal(packetId, expected);
        inflight.remove(packetId);
      }
    }
    assert.equal(inflight.count, 0);
  });

  it('passes over identifiers that are in use when it comes round', () => {
    const inflight = new Inflight();
    const kept = new Set(Array.from({ length: 10 }, () => inflight.add(PUBREC, queuedAt(1))));
    for (let count = 0; count < 200_000; count++) {
      const packetId = inflight.add(PUBACK, undefined);
      if (packetId < 1 || packetId > 65_535 || kept.has(packetId)) assert.fail(`it gave ${packetId}`);
      inflight.remove(packetId);
    }
    for (const packetId of kept) assert.equal(inflight.stateOf(packetId), PUBREC);
    assert.equal(inflight.count, 10);
  });

  it('grows to 32,768 identifiers in use, all different, and shrinks to none', () => {
    const inflight = new Inflight();
    const given = new Set<number>();
    for (let count = 0; count < MAX_IN_USE; count++) given.add(inflight.add(PUBACK, undefined));
    assert.equal(given.size, MAX_IN_USE);
    assert.equal(inflight.count, MAX_IN_USE);
    for (const packetId of given) {
      if (inflight.stateOf(packetId) !== PUBACK) assert.fail(`${packetId} is lost`);
      inflight.remove(packetId);
    }
    assert.equal(inflight.count, 0);
    assert.deepEqual(inflight.messages(), []);
  });

  it('knows the state and the message of each, and nothing of others', () => {
    const inflight = new Inflight();
    const queued = queuedAt(1);
    const packetId = inflight.add(PUBREC, queued);
    assert.equal(queued.packetId, packetId);
    assert.equal(inflight.messageOf(packetId), queued);
    inflight.setState(packetId, PUBCOMP);
    assert.equal(inflight.stateOf(packetId), PUBCOMP);
    // Those that share its place, and those that nobody has.
    for (const other of [0, packetId + 16, packetId + 32, 65_535])
      assert.equal(inflight.stateOf(other), FREE);
    inflight.remove(packetId);
    assert.equal(inflight.stateOf(packetId), FREE);
    assert.equal(inflight.messageOf(packetId), undefined);
  });

  it('does not give the message of an earlier owner of a place', () => {
    const inflight = new Inflight();
    for (let count = 0; count < 40; count++) {
      const packetId = inflight.add(PUBACK, count % 2 === 0 ? queuedAt(count) : undefined);
      assert.equal(inflight.messageOf(packetId)?.sequence, count % 2 === 0 ? count : undefined);
      inflight.remove(packetId);
    }
  });

  it('gives messages in the order of their sequence, also when identifiers have come round', () => {
    const inflight = new Inflight();
    inflight.restore(65_530, PUBACK, queuedAt(1));
    for (let sequence = 2; sequence <= 20; sequence++) inflight.add(PUBACK, queuedAt(sequence));
    inflight.add(PUBACK, undefined);
    const messages = inflight.messages();
    assert.deepEqual(
      messages.map(({ sequence }) => sequence),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.deepEqual(
      messages.slice(4, 8).map(({ packetId }) => packetId),
      [65_534, 65_535, 1, 2],
    );
  });

  it('takes identifiers back, whatever they are, and goes on after the last one', () => {
    const inflight = new Inflight();
    // They all want the same place until there is one for each.
    for (const [index, packetId] of [16, 32, 48, 65_520, 65_535, 1].entries())
      assert.equal(inflight.restore(packetId, PUBREC, queuedAt(index)), true);
    assert.equal(inflight.count, 6);
    for (const packetId of [16, 32, 48, 65_520, 65_535, 1]) {
      assert.equal(inflight.stateOf(packetId), PUBREC);
      assert.equal(inflight.messageOf(packetId)?.packetId, packetId);
    }
    assert.equal(inflight.add(PUBACK, undefined), 2);
  });

  it('does not take one back that is in use', () => {
    const inflight = new Inflight();
    inflight.restore(7, PUBREC, queuedAt(1));
    const second = queuedAt(2);
    assert.equal(inflight.restore(7, PUBACK, second), false);
    assert.equal(second.packetId, 0);
    assert.deepEqual([inflight.count, inflight.stateOf(7)], [1, PUBREC]);
  });

  it('is a map of what is in use, whatever comes and goes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { maxLength: 400 }),
        fc.integer({ min: 1, max: 65_535 }),
        (steps, first) => {
          const inflight = new Inflight();
          const expected = new Map<number, number>([[first, 0]]);
          inflight.restore(first, PUBACK, queuedAt(0));
          for (const [index, step] of steps.entries()) {
            const inUse = [...expected.keys()];
            if (step % 3 === 0 && inUse.length > 0) {
              const packetId = inUse[step % inUse.length]!;
              inflight.remove(packetId);
              expected.delete(packetId);
            } else {
              const packetId = inflight.add(PUBREC, queuedAt(index + 1));
              assert.equal(expected.has(packetId), false);
              expected.set(packetId, index + 1);
            }
            assert.equal(inflight.count, expected.size);
          }
          for (const [packetId, sequence] of expected)
            assert.equal(inflight.messageOf(packetId)?.sequence, sequence);
          const sequences = [...expected.values()].sort((one, other) => one - other);
          assert.deepEqual(
            inflight.messages().map(({ sequence }) => sequence),
            sequences,
          );
        },
      ),
    );
  });
});
