import { afterEach } from 'node:test';

const waiting: (() => Promise<unknown>)[] = [];

// A file that imports this has it for each of its tests: every test file runs in a process of its own.
afterEach(async () => {
  for (const cleanUp of waiting.splice(0).reverse()) await cleanUp();
});

/** After the test that runs, the last one first: a device ends before the hub that it talks to. */
export function cleanUpWith(cleanUp: () => Promise<unknown>): void {
  waiting.push(cleanUp);
}
