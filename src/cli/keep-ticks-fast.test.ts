import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const MODULE = new URL('keep-ticks-fast.ts', import.meta.url).href;

/** Whether what Node made for a tick is still there when the tick is over and everything was collected. */
async function isKept(call: string): Promise<boolean> {
  const program = `
    const { createHook } = await import('node:async_hooks');
    const { keepTicksFast } = await import('${MODULE}');
    let made;
    const hook = createHook({
      init: (_id, type, _trigger, resource) => { if (type === 'TickObject') made ??= new WeakRef(resource); },
    }).enable();
    ${call};
    hook.disable();
    setTimeout(() => { gc(); console.log(made.deref() !== undefined); }, 1);
  `;
  const words = ['--expose-gc', '--input-type=module', '--eval', program];
  return (await promisify(execFile)(process.execPath, words)).stdout === 'true\n';
}

test('what Node makes for a tick stays, so that V8 does not forget its shape', async () => {
  assert.equal(await isKept('keepTicksFast()'), true);
  assert.equal(
    await isKept('process.nextTick(() => {})'),
    false,
    'by itself it stays: the test tells nothing',
  );
});
