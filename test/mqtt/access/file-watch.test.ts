import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { until } from '../../helpers/until.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { FileWatch, findSignatures } from '../../../src/mqtt/access/file-watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'recado-watch-'));
after(() => rmSync(folder, { recursive: true }));

describe('FileWatch', () => {
  it('waits until nobody writes any more, and looks without a sign too', async (t) => {
    // Links to another folder: what happens there gives no sign here.
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    for (const name of ['one', 'other']) {
      writeFileSync(join(elsewhere, name), '');
      symlinkSync(join(elsewhere, name), join(folder, name));
    }
    const files = ['one', 'other'].map((name) => join(folder, name));
    let read = await findSignatures(files);
    let looks = 0;
    let changes = 0;
    const clock = new ManualClock();
    const watch = new FileWatch({
      files,
      clock,
      log: silentLogger,
      settleMs: 100,
      lookEveryMs: 5000,
      lastRead: () => {
        looks++;
        return read;
      },
      onChanged: () => changes++,
    });
    t.after(() => watch.close());
    const look = async (afterMs: number): Promise<number> => {
      const expected = looks + 1;
      clock.advance(afterMs);
      await until('it has looked', () => looks === expected);
      return changes;
    };
    assert.equal(await look(100), 0, 'nothing is new');
    writeFileSync(files[1] ?? '', 'x');
    assert.equal(await look(5100), 0, 'may still be written');
    writeFileSync(files[1] ?? '', 'xx');
    assert.equal(await look(100), 0, 'was still written');
    assert.equal(await look(100), 1);
    read = await findSignatures(files);
    rmSync(join(elsewhere, 'one'));
    assert.equal(await look(5100), 1, 'may come back');
    assert.equal(await look(100), 2);
    watch.close();
    assert.equal(clock.pending, 0);
  });

  it('does not tell again of a change that is being read', async (t) => {
    const file = join(folder, 'slow');
    writeFileSync(file, '');
    let read = await findSignatures([file]);
    let changes = 0;
    const reading = Promise.withResolvers<void>();
    const clock = new ManualClock();
    const watch = new FileWatch({
      files: [file],
      clock,
      log: silentLogger,
      settleMs: 100,
      lookEveryMs: 300,
      lastRead: () => read,
      onChanged: () => {
        changes++;
        return reading.promise;
      },
    });
    t.after(() => watch.close());
    writeFileSync(file, 'x');
    const pass = (what: string, check: () => boolean): Promise<boolean> =>
      until(what, () => {
        clock.advance(100);
        return check();
      });
    await pass('it is told', () => changes === 1);
    let passes = 0;
    await pass('it could be told again', () => ++passes > 20);
    assert.equal(changes, 1);
    read = await findSignatures([file]);
    reading.resolve();
    writeFileSync(file, 'xx');
    await pass('the next change is told', () => changes === 2);
  });
});
