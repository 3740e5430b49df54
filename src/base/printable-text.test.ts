import assert from 'node:assert/strict';
import { it } from 'node:test';
import { escapeControls, escapeLine } from './printable-text.ts';

it('what a terminal would obey is shown as JSON writes it', () => {
  assert.equal(
    escapeControls('\u001b]0;x\u0007\u009b31m\u007f\0\r'),
    String.raw`\u001b]0;x\u0007\u009b31m\u007f\u0000\u000d`,
  );
  assert.equal(escapeControls('a\u202eb\u2028\u2066\ufeff'), String.raw`a\u202eb\u2028\u2066\ufeff`);
  assert.equal(escapeControls('ação\t日本\n🙂 é'), 'ação\t日本\n🙂 é');
});

it('a line stays one line', () => {
  assert.equal(escapeLine('a\n10:00 info b\tc'), String.raw`a\u000a10:00 info b\u0009c`);
});
