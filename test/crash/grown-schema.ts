import type { Schema } from '../../src/store/sqlite/migrate.ts';

const ROWS = 40;
const TEXT = 'x'.repeat(1000);

const first: Schema['migrations'][number] = (db) =>
  db.exec(`
    CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT);
    WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${ROWS})
      INSERT INTO a SELECT n, '${TEXT}' || n FROM number;
  `);

const second: Schema['migrations'][number] = (db) =>
  db.exec(`
    CREATE TABLE b (id INTEGER PRIMARY KEY, text TEXT);
    INSERT INTO b SELECT id, text || '!' FROM a;
    DROP TABLE a;
  `);

/** A file with something in it, and what a newer program makes of it. */
export const SMALL_SCHEMA: Schema = { applicationId: 'Test', migrations: [first] };
export const GROWN_SCHEMA: Schema = { applicationId: 'Test', migrations: [first, second] };
