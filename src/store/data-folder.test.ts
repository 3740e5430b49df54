import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DataFolder } from './data-folder.ts';

describe('DataFolder', () => {
  let path: string;
  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), 'recado-data-')), 'deep', 'data');
  });
  afterEach(() => rmSync(join(path, '..', '..'), { recursive: true }));

  it('is made where it is not there, for its user alone', () => {
    const folder = new DataFolder(path);
    folder.open();
    assert.equal(statSync(path).mode & 0o777, 0o700);
    for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name);
    folder.close();
  });

  it('is one hub’s: a second one is told who has it, until that one is gone', () => {
    const [first, second] = [new DataFolder(path), new DataFolder(path)];
    first.open();
    assert.throws(
      () => second.open(),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'DATA_FOLDER_TAKEN');
        assert.ok(error.message.includes(path));
        assert.ok(error.message.includes(`process ${process.pid} on ${hostname()}, since `));
        return true;
      },
    );
    first.close();
    second.open();
    second.close();
  });
});
