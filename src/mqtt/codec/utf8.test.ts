import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isEncodableText, judgeUtf8, Utf8Kind } from './utf8.ts';

function judge(text: string): Utf8Kind {
  const bytes = Buffer.from(`00${text}ff`, 'hex');
  return judgeUtf8(bytes, 1, bytes.length - 1);
}

describe('judgeUtf8', () => {
  it('tells ASCII, longer characters, U+0000 and what is not UTF-8 apart', () => {
    assert.equal(judge(''), Utf8Kind.ASCII);
    assert.equal(judge('017f'), Utf8Kind.ASCII);
    assert.equal(judge('c3a7'), Utf8Kind.MULTI_BYTE);
    assert.equal(judge('610062'), Utf8Kind.HAS_NULL);
    assert.equal(judge('80'), Utf8Kind.ILL_FORMED);
  });

  it('[MQTT-1.5.4-1] judges every code point that TextEncoder can write, and no surrogate', () => {
    for (let code = 1; code <= 0x10ffff; code += 251) {
      const bytes = Buffer.from(String.fromCodePoint(code));
      const isSurrogate = code >= 0xd800 && code <= 0xdfff;
      if (!isSurrogate)
        assert.ok(judgeUtf8(bytes, 0, bytes.length) <= Utf8Kind.MULTI_BYTE, code.toString(16));
    }
    for (let code = 0xd800; code <= 0xdfff; code++) {
      const bytes = Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
      assert.equal(judgeUtf8(bytes, 0, 3), Utf8Kind.ILL_FORMED, code.toString(16));
    }
  });

  it('knows which strings can be encoded', () => {
    assert.ok(isEncodableText('a\ufeff\u{1f321}'));
    assert.ok(!isEncodableText('a\0'));
    assert.ok(!isEncodableText('\ud83c'));
  });
});
