import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { holdsMinutes } from '../../src/store/sqlite/telemetry/minute-file.ts';
import { readFolder, writeImage, type Unsynced } from '../crash/disk-image.ts';
import { WatchedDisk, whyNoWatchedDisk } from '../crash/watched-disk.ts';
import { randomFrom } from '../helpers/mqtt-packets.ts';
import { runProgram } from '../helpers/run-program.ts';
import { DAY, DAY_MS, FilesRig } from '../helpers/telemetry-files-rig.ts';

const SEED = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
const READINGS = 6000;
const SCRIPT = join(import.meta.dirname, '..', 'crash', 'coarsen-history.ts');

it(
  `old history is whole whenever its process is killed or power is lost (seed ${SEED})`,
  { skip: whyNoWatchedDisk() },
  async (t) => {
    const random = randomFrom(SEED);
    const disk = new WatchedDisk(t);
    const rig = new FilesRig(t, { rawDays: 1 }, disk.folder);
    rig.append(
      DAY,
      Array.from({ length: READINGS }, (_, second) => [DAY + second * 1000, second] as const),
    );
    rig.append(DAY + DAY_MS, [[DAY + DAY_MS, 5]], 'flow');
    rig.files.close();
    const before = readFolder(disk.folder);
    const words = [process.execPath, SCRIPT, disk.folder, String(DAY + 2 * DAY_MS)];
    const { end, errors } = await runProgram(words, { env: disk.settings });
    assert.equal(end, 0, errors);
    const changes = disk.changes();
    const grains = new Set<boolean>();
    for (let count = 0; count <= changes.length; count++) {
      for (const unsynced of ['kept', 'lost', random] satisfies Unsynced[]) {
        writeImage(disk.folder, { before, changes: changes.slice(0, count), unsynced });
        const left = new FilesRig(t, { rawDays: 1 }, disk.folder);
        const when = `after change ${count} of ${changes.length}, unsynced ${String(unsynced).slice(0, 6)}`;
        const hours = left.ask({ by: { everyMs: 3_600_000, fn: 'sum' } });
        assert.deepEqual([...hours.values], [6_478_200, 11_518_800], when);
        const isOfMinutes = holdsMinutes(join(disk.folder, left.names[0]!));
        assert.equal(hours.resolutionMs !== undefined, isOfMinutes, when);
        grains.add(isOfMinutes);
        left.files.close();
      }
    }
    assert.deepEqual([...grains], [false, true]);
    t.diagnostic(`${changes.length} changes of the disk`);
  },
);
