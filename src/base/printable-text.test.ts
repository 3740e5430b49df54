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

it('what is not seen is shown: a name could look like another', () => {
  for (const [text, shown] of [
    ['lamp\u200b', String.raw`lamp\u200b`],
    ['la\u200cm\u200dp', String.raw`la\u200cm\u200dp`],
    ['lamp\u2060\u2063\u206a\u206f', String.raw`lamp\u2060\u2063\u206a\u206f`],
    ['lamp\ufff9a\ufffab\ufffb', String.raw`lamp\ufff9a\ufffab\ufffb`],
    ['\ufefflamp\u00ad\u034f\u3164\u180e', String.raw`\ufefflamp\u00ad\u034f\u3164\u180e`],
    ['lamp\u{e0061}\u{e007f}', String.raw`lamp\udb40\udc61\udb40\udc7f`],
    ['lamp1\ufe0f\ufe00\u{e0100}', String.raw`lamp1\ufe0f\ufe00\udb40\udd00`],
    ['👩\u200dlamp', String.raw`👩\u200dlamp`],
  ] as const)
    assert.equal(escapeLine(text), shown);
});

it('joiners stay where a script or an emoji needs them', () => {
  for (const text of [
    'می\u200cخواهم',
    'क्\u200dष',
    '👩\u200d👩\u200d👧',
    '🧑🏽\u200d🔧',
    '❤\ufe0f\u200d🔥',
    '☎\ufe0e',
    '1\ufe0f\u20e3',
  ])
    assert.equal(escapeLine(text), text);
});
