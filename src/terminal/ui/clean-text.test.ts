// oxlint-disable no-control-regex -- finding control characters is what this file is for
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { array, assert as check, constantFrom, oneof, property, string } from 'fast-check';
import { cleanLine, cleanText, cleanTyped } from './clean-text.ts';

describe('cleanText', () => {
  test('what a hostile device could send loses its teeth and keeps its words', () => {
    const texts: [string, string][] = [
      ['\u001b[2J\u001b[1;1Hgone', 'gone'],
      ['\u001b]0;owned\u0007title', 'title'],
      ['\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\', 'link'],
      ['\u001bP1$r\u001b\\dcs', 'dcs'],
      ['\u009b31mred\u009b0m', 'red'],
      ['\u009d0;owned\u009ctitle', 'title'],
      ['\u001bcreset', 'reset'],
      ['a\u0007b\bc\u007fd', 'abcd'],
      ['half \u001b[31', 'half 31'],
      ['half \u001b', 'half '],
      ['open \u001b]0;kept', 'open 0;kept'],
      ['over\rwrite', 'over\nwrite'],
      ['two\r\nlines\u2028three', 'two\nlines\nthree'],
      ['tab\there', 'tab  here'],
      ['\u202egnp.exe', String.raw`\u202egnp.exe`],
      ['lamp\u200b', String.raw`lamp\u200b`],
      ['lone \ud800 half', 'lone \ufffd half'],
      [`z${'\u0301'.repeat(50)}`, `z${'\u0301'.repeat(4)}`],
    ];
    for (const [text, clean] of texts) assert.equal(cleanText(text), clean, JSON.stringify(text));
  });

  test('what people write stays as it is', () => {
    for (const text of [
      '25.1 °C',
      'Aparelho de som via internet',
      '日本語',
      '👩‍👩‍👧',
      'linha 1\nlinha 2',
      '[31m is no escape',
    ]) {
      assert.equal(cleanText(text), text);
    }
  });

  test('what is typed or pasted has nothing that is not seen, but for what joins it', () => {
    assert.equal(cleanTyped('\ufeffpump\u200b-7\u2060\u001b[2J\n'), 'pump-7 ');
    assert.equal(cleanTyped('می\u200c'), 'می\u200c');
  });

  test('sequences put together from the pieces of others do not come back', () => {
    assert.equal(cleanText('\u001b\u001b[31m[2J'), '2J');
    assert.equal(cleanText('\u001b[\u001b[31m2J'), '2J');
  });

  test('no control character ever comes through', () => {
    const pieces = constantFrom(
      '\u001b',
      '[',
      ']',
      '0;',
      '\u0007',
      '\\',
      '\u009b',
      '\u009d',
      'm',
      'x',
      '\n',
      '\r',
      '\t',
      '\u202e',
    );
    check(
      property(array(oneof(pieces, string({ unit: 'binary' }))), (parts) => {
        assert.doesNotMatch(
          cleanText(parts.join('')),
          /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/,
        );
        assert.ok(!cleanLine(parts.join('')).includes('\n'));
      }),
    );
  });

  test('a long text made to be slow is not', () => {
    const started = performance.now();
    for (const piece of ['\u009d', '\u001b]', '\u001b[', '\u001b[0', '\u001bP\u009d', '\u0301'])
      cleanText(piece.repeat(200_000));
    assert.ok(performance.now() - started < 2000);
  });
});
