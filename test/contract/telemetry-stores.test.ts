import { MemoryTelemetryStore } from '../../src/devices/memory-telemetry-store.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { SqliteTelemetryStore } from '../../src/store/sqlite/telemetry/sqlite-telemetry-store.ts';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { describeTelemetryStore } from './telemetry-store.ts';

const LIMITS = { maxFileBytes: 1e9, maxBytes: 1e9, retentionDays: 30 };

describeTelemetryStore('memory', () => new MemoryTelemetryStore({ maxReadings: 1_000_000 }));

describeTelemetryStore('SQLite', (t) => {
  const store = new SqliteTelemetryStore({ folder: new TestFolder(t).path, ...LIMITS }, silentLogger);
  t.after(() => store.close());
  return store;
});

// Files that are full at once: what is asked for lies in many.
describeTelemetryStore('many files of SQLite', (t) => {
  const folder = new TestFolder(t).path;
  const store = new SqliteTelemetryStore({ folder, ...LIMITS, maxFileBytes: 1 }, silentLogger);
  t.after(() => store.close());
  return store;
});
