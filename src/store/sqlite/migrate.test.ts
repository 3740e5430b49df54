import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { migrate, type Migration, type Schema } from './migrate.ts';

describe('migrate', () => {
  let folder: string;
  let file: string;
  let db: DatabaseSync;

  const first: Migration = (each) => each.exec('CREATE TABLE a (x)');
  const second: Migration = (each) => each.exec("CREATE TABLE b (y); INSERT INTO b SELECT x || '!' FROM a");
  const schemaOf = (...migrations: Migration[]): Schema => ({ applicationId: 'Test', migrations });
  const read = (sql: string): unknown[] =>
    db
      .prepare(sql)
      .all()
      .flatMap((row) => Object.values(row));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'recado-migrate-'));
    file = join(folder, 'test.db');
    db = new DatabaseSync(file);
  });
  afterEach(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });

  it('makes a new file, and leaves it alone the next time', () => {
    assert.equal(migrate(db, file, schemaOf(first, second)), undefined);
    db.exec('INSERT INTO b VALUES (1)');
    assert.equal(migrate(db, file, schemaOf(first, second)), undefined);
    assert.deepEqual(read('SELECT y FROM b'), [1]);
    assert.equal(existsSync(`${file}.v2`), false);
  });

  it('brings an old file on, and keeps a copy of what it was', () => {
    migrate(db, file, schemaOf(first));
    db.exec("INSERT INTO a VALUES ('old')");
    assert.equal(migrate(db, file, schemaOf(first, second)), undefined);
    assert.deepEqual(read('SELECT y FROM b'), ['old!']);
    db.close();
    assert.equal(statSync(`${file}.v1`).mode & 0o777, 0o600);
    db = new DatabaseSync(`${file}.v1`);
    assert.deepEqual(read('SELECT name FROM sqlite_schema'), ['a']);
    assert.deepEqual(read('SELECT x FROM a'), ['old']);
  });

  it('does all steps or none', () => {
    migrate(db, file, schemaOf(first));
    const broken: Migration = (each) => each.exec('CREATE TABLE b (y); INSERT INTO nowhere VALUES (1)');
    assert.throws(() => migrate(db, file, schemaOf(first, broken)), /nowhere/);
    assert.deepEqual(read('SELECT name FROM sqlite_schema'), ['a']);
    assert.equal(migrate(db, file, schemaOf(first, second)), undefined);
    assert.deepEqual(read('SELECT name FROM sqlite_schema'), ['a', 'b']);
  });

  it('leaves a newer file as it is, and one of another kind', () => {
    migrate(db, file, schemaOf(first, second));
    const newer = migrate(db, file, schemaOf(first));
    assert.equal(newer?.why, 'newer');
    assert.match(newer?.message ?? '', /test\.db was written by a newer Recado .*version is 2.*knows 1/);
    const other = migrate(db, file, { applicationId: 'Else', migrations: [first] });
    assert.equal(other?.why, 'other-kind');
    assert.deepEqual(read('SELECT name FROM sqlite_schema'), ['a', 'b']);
  });
});
