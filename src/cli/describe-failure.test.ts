import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeFailure } from './describe-failure.ts';

const EIO = { code: 'EIO', errno: -5 };

describe('describeFailure', () => {
  it('has nothing to say where the terminal is gone', async () => {
    const error = Object.assign(new Error('setRawMode EIO'), EIO, { syscall: 'setRawMode' });
    assert.deepEqual(await describeFailure(error), { text: '', exitCode: 1 });
  });

  it('asks to report what nobody expected', async () => {
    const error = Object.assign(new Error('EIO: i/o error, read'), EIO, { syscall: 'read' });
    const { text, exitCode } = await describeFailure(error);
    assert.equal(exitCode, 1);
    assert.match(text, /^recado: this should not have happened; .*EIO: i\/o error, read/s);
  });
});
