import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { FileSessionStore } from '../helpers/file-session-store.ts';
import { readImports, readText } from '../helpers/source-files.ts';
import { describeSessionStore } from './session-store.ts';

describeSessionStore('a store that is made outside of the package', {
  canFail: false,
  openRig: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'recado-file-store-'));
    return {
      open: async () => new FileSessionStore(join(folder, 'sessions')),
      remove: () => rm(folder, { recursive: true }),
    };
  },
});

it('it has nothing of Recado but what recado/mqtt exports', () => {
  const imports = readImports(readText('test/helpers/file-session-store.ts')).map(
    ({ specifier }) => specifier,
  );
  assert.deepEqual(
    imports.filter((specifier) => !specifier.startsWith('node:')),
    ['../../src/mqtt/index.ts'],
  );
});
