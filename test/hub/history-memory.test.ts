import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { Ledger, OWN_PARTY } from '../../src/base/ledger.ts';
import { MemoryTelemetryStore } from '../../src/devices/memory-telemetry-store.ts';
import type { ReadingBatch, TelemetryStore } from '../../src/devices/telemetry-store.ts';
import { History } from '../../src/hub/history.ts';
import { TelemetryFiles } from '../../src/store/sqlite/telemetry/telemetry-files.ts';
import { compareGrowth, itMeasures } from '../helpers/measured-growth.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { openFeed } from '../helpers/open-feed.ts';
import { recordingLogger } from '../helpers/recording-logger.ts';
import { FilesRig } from '../helpers/telemetry-files-rig.ts';

const HOUR_MS = 3_600_000;
const FLUSH_MS = 1000;

/** A store that keeps what it is given, when it is told to. */
class GatedStore extends MemoryTelemetryStore {
  readonly batches: ReadingBatch[] = [];
  #gate: Promise<void> = Promise.resolve();

  /** What is written from now on waits until the function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  override async write(batch: ReadingBatch): Promise<{ isKept: boolean }> {
    this.batches.push(batch);
    await this.#gate;
    return super.write(batch);
  }
}

/** What runs in a thread of its own otherwise, where its memory cannot be seen from here. */
class FilesInThisThread implements TelemetryStore {
  readonly #files: TelemetryFiles;

  constructor(files: TelemetryFiles) {
    this.#files = files;
  }

  get heldBytes(): number {
    return this.#files.bufferBytes;
  }

  write(batch: ReadingBatch): Promise<{ isKept: boolean }> {
    this.#files.append(structuredClone(batch));
    return Promise.resolve({ isKept: true });
  }

  read(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function startHistory(maxBytes: number, maxReadings = 1e6) {
  return withStore(maxBytes, new GatedStore({ maxReadings }));
}

function withStore<Store extends TelemetryStore>(maxBytes: number, store: Store) {
  const ledger = new Ledger({ maxBytes });
  const clock = new ManualClock();
  const feed = openFeed(ledger, { maxKeptEvents: 65_536 });
  const { log, lines } = recordingLogger();
  // Whose a device is stands before its dot.
  const partyOf = (deviceId: string) => ledger.open(deviceId.split('.')[0]!);
  const history = new History({ feed, ledger, partyOf, store, flushMs: FLUSH_MS, clock, log });
  history.start();
  const report = (deviceId: string, metric: string): void =>
    feed.publishReading(deviceId, { metric, value: 1, unit: undefined, time: clock.now() });
  const flush = async (): Promise<void> => {
    for (let step = 0; step < 8; step++) {
      clock.advance(FLUSH_MS / 4);
      await new Promise(setImmediate);
    }
  };
  const held = (kind: KeptKind): number => ledger.totals()[kind]!.bytes;
  return { ledger, clock, store, history, report, flush, held, lines };
}

describe('the memory of the history', () => {
  for (const readings of [1, 30])
    itMeasures(`is booked at what it is, with ${readings} readings of each metric`, async (t) => {
      const rig = new FilesRig(t);
      const { ledger, history, report, flush } = withStore(1e9, new FilesInThisThread(rig.files));
      report('warm.1', 'up');
      await flush();
      await compareGrowth(t, ledger, async () => {
        for (let reading = 0; reading < readings; reading++)
          for (let device = 0; device < 100; device++) {
            for (let metric = 0; metric < 40; metric++)
              report(`device.${device}`, `a metric with a name ${metric}`);
            if (device % 20 === 19) await flush();
          }
        return history;
      });
      await history.stop();
    });

  it('has an end for who invents metrics, and room for the others', async () => {
    const { ledger, store, history, report, flush, held, lines, clock } = startHistory(64 * 1024 * 1024);
    const limit = ledger.limitOf(KeptKind.SERIES);
    for (let device = 0; device < 40; device++) {
      for (let metric = 0; metric < 256; metric++) report(`evil.${device}`, `${metric} `.padEnd(128, 'x'));
      await flush();
    }
    assert.ok(held(KeptKind.SERIES) <= limit, `${held(KeptKind.SERIES)} of ${limit}`);
    const refused = history.counters.readingsRefused;
    assert.ok(refused > 1000, String(refused));
    assert.ok(history.counters.readingsKept + refused === 40 * 256);
    assert.equal(ledger.totals()[KeptKind.SERIES]!.refusals, refused);
    assert.equal(lines.filter(({ text }) => text.includes('no room for more metrics')).length, 1);
    report('good.1', 'temperature');
    await flush();
    assert.equal(history.counters.readingsRefused, refused);
    assert.equal(store.batches.at(-1)!.series[0]!.deviceId, 'good.1');
    // What is not reported any more is given back, though nothing is kept meanwhile.
    clock.advance(HOUR_MS);
    report('evil.40', 'late');
    await flush();
    report('evil.40', 'late');
    await flush();
    assert.equal(store.batches.at(-1)!.isFresh, true);
    assert.deepEqual(store.batches.at(-1)!.series, [{ number: 0, deviceId: 'evil.40', metric: 'late' }]);
    assert.ok(held(KeptKind.SERIES) < 3000, String(held(KeptKind.SERIES)));
    await history.stop();
  });

  it('is booked: what waits, what is under way, and what the store has', async () => {
    const { ledger, store, history, report, flush, held } = startHistory(64 * 1024 * 1024, 10_000);
    const idle = held(KeptKind.HISTORY_READING);
    assert.ok(idle > 0);
    const open = store.hold();
    for (let reading = 0; reading < 5000; reading++) report('good.1', 'a');
    await flush();
    const underWay = held(KeptKind.HISTORY_READING);
    assert.ok(underWay >= idle + 5000 * 20, String(underWay));
    // The store does not take them: no more wait than there is room for.
    for (let batch = 0; batch < 60; batch++) {
      for (let reading = 0; reading < 10_000; reading++) report('good.1', 'a');
      await flush();
    }
    assert.ok(held(KeptKind.HISTORY_READING) <= ledger.limitOf(KeptKind.HISTORY_READING));
    assert.ok(history.counters.readingsLost > 100_000, String(history.counters.readingsLost));
    open();
    await flush();
    await flush();
    const { readingsKept, readingsLost } = history.counters;
    assert.equal(readingsKept + readingsLost, 605_000);
    assert.equal(store.heldBytes > 0, true);
    await history.stop();
    assert.equal(ledger.open(OWN_PARTY).bytes >= store.heldBytes, true);
  });
});
