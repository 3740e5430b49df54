import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const MODULE = new URL('young-generation.ts', import.meta.url).href;
const MAX_BYTES = 16 * 1024 * 1024;

/** Things that live through a collection or two, for as many collections as make V8 double the young generation. */
const LOAD = `
  const { getHeapSpaceStatistics } = await import('node:v8');
  const youngBytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size;
  let most = 0;
  const window = [];
  for (let turn = 0; turn < 1500; turn++) {
    for (let count = 0; count < 400; count++) {
      window.push(new Array(128).fill(count));
      if (window.length > 4000) window.splice(0, 1000);
    }
    most = Math.max(most, youngBytes());
    await new Promise(setImmediate);
  }
  console.log(most);
`;

async function mostYoungBytes(first: string): Promise<number> {
  const words = ['--input-type=module', '--eval', `${first}\n${LOAD}`];
  return Number((await promisify(execFile)(process.execPath, words)).stdout);
}

test('the young generation grows to the bound under load, and not beyond it', async () => {
  const bound = `(await import('${MODULE}')).boundYoungGeneration(${MAX_BYTES});`;
  const most = await mostYoungBytes(bound);
  // It is told of a collection a turn later: one more may have come meanwhile, and doubled it.
  assert.ok(most <= 2 * MAX_BYTES, `${most} bytes`);
  const unbound = await mostYoungBytes('');
  assert.ok(unbound > 3 * MAX_BYTES, `by itself only ${unbound} bytes: the test tells nothing`);
});
