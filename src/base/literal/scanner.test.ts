import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LiteralScanner } from './scanner.ts';

const LIMITS = { maxBytes: 1024, maxDepth: 4 };

const VALUES = [
  '{}',
  `{'Comando': '0'}`,
  `{"Comando": "3", "Entrada": "it's } here"}`,
  `{'Entrada': "it's", 'Outra': 'um "dito" com } e \\' e \\\\'}`,
  `{'a': {'b': [1, (2, 3), {}]}, 'c': 'ação 🎵 }'}`,
  `{"fim": "\\\\"}`,
];

test('finds the end of every value, at every split into two chunks', () => {
  for (const value of VALUES) {
    const bytes = Buffer.from(value);
    const both = Buffer.concat([bytes, Buffer.from('{"next"')]);
    for (let split = 0; split <= bytes.length; split++) {
      const scanner = new LiteralScanner(LIMITS);
      const first = scanner.scan(both.subarray(0, split), 0);
      const found = first >= 0 ? first : scanner.scan(both, split);
      assert.equal(found, bytes.length, `${value} split at ${split}`);
      assert.equal(scanner.bytes, bytes.length);
      assert.equal(scanner.broken, undefined);
    }
  }
});

test('finds the end when fed byte by byte, and begins the next value by itself', () => {
  const scanner = new LiteralScanner(LIMITS);
  const bytes = Buffer.from(VALUES.join(''));
  const ends: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    if (scanner.scan(bytes.subarray(0, index + 1), index) === index + 1) ends.push(index + 1);
  }
  let end = 0;
  assert.deepEqual(
    ends,
    VALUES.map((value) => (end += Buffer.byteLength(value))),
  );
});

test('agrees with JSON.stringify about where a value ends, whatever the chunks', () => {
  const dictionaries = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(
      dictionaries,
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 30 }),
      (dictionary, sizes) => {
        const text = JSON.stringify(dictionary);
        const bytes = Buffer.from(`${text}Recebido`);
        const scanner = new LiteralScanner({ maxBytes: 1_000_000, maxDepth: 32 });
        let at = 0;
        let found = -1;
        for (const size of [...sizes, bytes.length]) {
          found = scanner.scan(bytes.subarray(0, Math.min(bytes.length, at + size)), at);
          at = Math.min(bytes.length, at + size);
          if (found !== -1) break;
        }
        assert.equal(found, Buffer.byteLength(text));
      },
    ),
  );
});

test('a value may have exactly maxBytes bytes, and not one more', () => {
  const bytes = Buffer.from(`{'a': 'bcd'}`);
  const fits = new LiteralScanner({ maxBytes: bytes.length, maxDepth: 1 });
  assert.equal(fits.scan(bytes, 0), bytes.length);
  const tight = new LiteralScanner({ maxBytes: bytes.length - 1, maxDepth: 1 });
  assert.equal(tight.scan(bytes, 0), -2);
  assert.equal(tight.broken, 'bytes');
  assert.equal(tight.bytes, bytes.length - 1);
  assert.equal(tight.scan(bytes, 0), -2, 'it stays broken');
  tight.reset();
  assert.equal(tight.broken, undefined);
  assert.equal(tight.scan(Buffer.from('{}'), 0), 2);
});

test('brackets may be open maxDepth deep, and not one more', () => {
  const scanner = new LiteralScanner({ maxBytes: 100, maxDepth: 3 });
  assert.equal(scanner.scan(Buffer.from('{[({'), 0), -2);
  assert.equal(scanner.broken, 'depth');
  scanner.reset();
  assert.equal(scanner.scan(Buffer.from('{[()]}'), 0), 6);
});

test('refuses what is no dictionary: another first byte, or a bracket closed by another kind', () => {
  for (const text of [' {}', 'Recebido', '[1]', '"a"', '}', '{]', '{[}', '{(])}']) {
    const scanner = new LiteralScanner(LIMITS);
    assert.equal(scanner.scan(Buffer.from(text), 0), -2, text);
    assert.equal(scanner.broken, 'shape', text);
  }
});

test('an earlier value leaves nothing behind', () => {
  const scanner = new LiteralScanner(LIMITS);
  assert.equal(scanner.scan(Buffer.from('{}'), 0), 2);
  assert.equal(scanner.scan(Buffer.from('x'), 0), -2);
  assert.equal(scanner.broken, 'shape');
});

test('megabytes without an end cost one look at each byte, even in small chunks', () => {
  const scanner = new LiteralScanner({ maxBytes: 8_000_000, maxDepth: 32 });
  const chunk = Buffer.alloc(100, 'a');
  assert.equal(scanner.scan(Buffer.from(`{'`), 0), -1);
  const before = process.cpuUsage();
  while (scanner.scan(chunk, 0) === -1);
  const used = process.cpuUsage(before);
  assert.equal(scanner.broken, 'bytes');
  assert.equal(scanner.bytes, 8_000_000);
  // Looking at everything again with each chunk would take hours.
  assert.ok(used.user + used.system < 3_000_000, `${(used.user + used.system) / 1000} ms of CPU`);
});

test('an empty chunk changes nothing', () => {
  const scanner = new LiteralScanner(LIMITS);
  assert.equal(scanner.scan(Buffer.alloc(0), 0), -1);
  assert.equal(scanner.scan(Buffer.from('{}'), 0), 2);
});
