import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import type { QoS } from '../../mqtt/codec/control-packet.ts';
import { Printer } from './printer.ts';

/** A printer whose output takes something when it is told to. */
class Rig {
  readonly acknowledged: string[] = [];
  readonly writes: string[] = [];
  readonly printer: Printer;
  #take: () => void = () => {};

  constructor({ count, isPipe = true }: { readonly count?: number; readonly isPipe?: boolean } = {}) {
    const write = (bytes: Uint8Array): Promise<void> => {
      this.writes.push(Buffer.from(bytes).toString());
      return new Promise((resolve) => (this.#take = resolve));
    };
    this.printer = new Printer({ count, isPipe, write });
  }

  print(text: string, qos: QoS = 1): void {
    this.printer.print({
      qos,
      bytes: Buffer.from(text),
      acknowledge: () => void this.acknowledged.push(text),
    });
  }

  /** The output has taken what was written to it. */
  async taken(): Promise<void> {
    this.#take();
    await turn();
  }
}

describe('a message is acknowledged', () => {
  it('when the output has it, and not before', async () => {
    const rig = new Rig();
    for (const text of ['a', 'b', 'c']) rig.print(text);
    assert.deepEqual([rig.writes, rig.acknowledged], [['a'], []]);
    await rig.taken();
    assert.deepEqual(rig.acknowledged, ['a']);
  });

  it('never, when the printer ended before', async () => {
    const rig = new Rig({ isPipe: false });
    rig.print('a');
    rig.print('b');
    rig.printer.end();
    await rig.taken();
    rig.print('c');
    assert.deepEqual([rig.writes, rig.acknowledged], [['a'], ['a']]);
  });

  it('as often as -C says', async () => {
    const rig = new Rig({ count: 2, isPipe: false });
    for (const text of ['a', 'b', 'c']) rig.print(text);
    assert.equal(rig.printer.takesMore, false);
    await rig.taken();
    await rig.taken();
    await rig.printer.ended;
    assert.deepEqual(
      [rig.writes, rig.acknowledged],
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
    );
  });
});

it('a file gets at once what waits for it', async () => {
  const rig = new Rig({ isPipe: false });
  for (const text of ['a', 'b', 'c']) rig.print(text);
  await rig.taken();
  assert.deepEqual(rig.writes, ['a', 'bc']);
});

it('what comes again on a new connection is printed once', async () => {
  const rig = new Rig({ count: 3, isPipe: false });
  rig.print('a');
  rig.print('b');
  rig.print('zero', 0);
  rig.printer.forgetUnacknowledged();
  assert.ok(rig.printer.takesMore);
  rig.print('b');
  await rig.taken();
  await rig.taken();
  await rig.printer.ended;
  assert.deepEqual(rig.writes, ['a', 'zerob']);
});
