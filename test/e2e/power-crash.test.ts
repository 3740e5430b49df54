import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { writeImage, type Unsynced } from '../crash/disk-image.ts';
import { CHECKS, POWER_SETTINGS, promiseAll, type Promised } from '../crash/power-load.ts';
import { WatchedDisk, whyNoWatchedDisk } from '../crash/watched-disk.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { joinPump } from '../helpers/lasting-rig.ts';
import { randomFrom, type Random } from '../helpers/mqtt-packets.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

/** How often power is lost; `npm run test:crash` says more. */
const LOSSES = Number(process.env['CRASH_KILLS'] ?? 4);
const SEED = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);

/** One time it loses all that was not synced; another time some sectors of it are there. */
function unsyncedOf(loss: number, random: Random): Unsynced {
  return loss % 2 === 0 ? 'lost' : random;
}

describe('a machine that loses power', { skip: whyNoWatchedDisk() }, () => {
  it(`${LOSSES} times has all that its hub promised (seed ${SEED})`, async (t) => {
    const random = randomFrom(SEED);
    const disk = new WatchedDisk(t);
    // It is the hub that makes its folder, and the one above it.
    const folder = join(disk.folder, 'deep', 'data');
    const hub = await LastingHub.start(t, { folder, settings: { ...POWER_SETTINGS, ...disk.settings } });
    (await joinPump(t, hub.tcpPort)).socket.destroy();
    const keeper = new TcpWireClient(hub.mqttPort);
    await keeper.connect('keeper');
    await keeper.subscribe('load', 2);
    keeper.destroy();
    const promised = await promiseAll(hub, disk);
    await hub.end('SIGKILL');
    assert.deepEqual(new Set(promised.map(({ kind }) => kind)), new Set(Object.keys(CHECKS)));
    const files = readdirSync(folder).filter((name) => /^telemetry-.*\.db$/.test(name));
    assert.ok(files.length > 1, `the history has the files ${files.join()}`);
    for (let loss = 0; loss < LOSSES; loss++) {
      // Just when somebody was promised something: the first of all, others, the last of all in the end.
      const index = loss === 0 ? 0 : loss === LOSSES - 1 ? promised.length - 1 : random(promised.length);
      const { at } = promised[index]!;
      writeImage(disk.folder, { changes: disk.changes(at), unsynced: unsyncedOf(loss, random) });
      await hub.begin({ LD_PRELOAD: '' });
      const known = promised.filter((each) => each.at <= at);
      for (const kind of Object.keys(CHECKS) as Promised['kind'][]) {
        const ofKind = known.filter((each) => each.kind === kind);
        if (ofKind.length > 0) await CHECKS[kind](hub, ofKind);
      }
      t.diagnostic(`power lost after ${at} bytes of changes: ${known.length} promises were kept`);
      await hub.end('SIGKILL');
    }
  });
});
