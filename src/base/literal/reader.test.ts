import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readLiteral } from './reader.ts';

function read(text: string | Buffer): unknown {
  const bytes = Buffer.from(text);
  const result = readLiteral(bytes, 0, bytes.length, 32);
  assert.ok(result.ok, `${bytes.toString()}: ${result.ok ? '' : result.failure.message}`);
  return result.value;
}

function refusal(text: string | Buffer, maxDepth = 32): { message: string; offset: number } {
  const bytes = Buffer.from(text);
  const result = readLiteral(bytes, 0, bytes.length, maxDepth);
  assert.ok(!result.ok, `${bytes.toString()} was accepted`);
  return result.failure;
}

test('reads what the devices of the protocol send', () => {
  assert.deepEqual(read(`{'Temperatura': '25°C', 'Válido': True}`), { Temperatura: '25°C', Válido: true });
  assert.deepEqual(read(`{'Comando': '3', 'Entrada': "it's"}`), { Comando: '3', Entrada: "it's" });
  assert.deepEqual(read(`{"Comando": "0"}`), { Comando: '0' });
  assert.deepEqual(
    read(`{'1': {'Descrição': 'Ligar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False}}`),
    { 1: { Descrição: 'Ligar', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false } },
  );
});

test('reads every escape', () => {
  const escapes: [string, string][] = [
    [`\\'`, `'`],
    [`\\"`, `"`],
    ['\\\\', '\\'],
    ['\\/', '/'],
    ['\\n', '\n'],
    ['\\t', '\t'],
    ['\\r', '\r'],
    ['\\b', '\b'],
    ['\\f', '\f'],
    ['\\v', '\v'],
    ['\\a', '\x07'],
    ['\\0', '\0'],
    ['\\08', '\x008'],
    ['\\101', 'A'],
    ['\\1011', 'A1'],
    ['\\xe9', 'é'],
    ['\\xE9', 'é'],
    ['\\u00e7', 'ç'],
    ['\\ud83c\\udfb5', '🎵'],
    ['\\U0001F3B5', '🎵'],
    ['\\ud800', '\ud800'],
  ];
  for (const [written, meant] of escapes) {
    for (const quote of [`'`, `"`]) {
      assert.equal(read(quote + written + quote), meant, written);
      assert.equal(read(`${quote}são ${written}°${quote}`), `são ${meant}°`, written);
    }
  }
});

test('refuses broken escapes and says where', () => {
  for (const text of [
    `'\\q'`,
    `'\\x4'`,
    `'\\xg1'`,
    `'\\u12'`,
    `'\\U00110000'`,
    `'\\N{DASH}'`,
    `'\\`,
    `'\\x4`,
  ]) {
    assert.equal(refusal(text).offset, 1, text);
  }
});

test('reads numbers of both notations', () => {
  const numbers: [string, number][] = [
    ['0', 0],
    ['-0', -0],
    ['+7', 7],
    ['-12', -12],
    ['25.5', 25.5],
    ['1.', 1],
    ['.5', 0.5],
    ['-.5e1', -5],
    ['1e3', 1000],
    ['1E+3', 1000],
    ['2.5e-3', 0.0025],
    ['0e0', 0],
    ['123456789012345', 123456789012345],
    ['9007199254740993123', 9007199254740993000],
    ['5e-324', 5e-324],
    ['0.1', 0.1],
  ];
  for (const [written, meant] of numbers) assert.ok(Object.is(read(written), meant), written);
  const refused = [
    '-',
    '+',
    '.',
    '1e',
    '1e+',
    '007',
    '1_000',
    '0x10',
    '1j',
    '--1',
    'inf',
    'nan',
    'NaN',
    '1e999',
    '1.2.3',
  ];
  for (const text of refused) refusal(text);
});

test('reads words, lists, tuples and trailing commas as Python does', () => {
  assert.deepEqual(read('[True, False, None, true, false, null]'), [true, false, null, true, false, null]);
  assert.deepEqual(read(`[1, [2, ], (3,), (), (4), ('a'), (1, 2,)]`), [1, [2], [3], [], 4, 'a', [1, 2]]);
  assert.deepEqual(read(`([1,],)`), [[1]]);
  assert.deepEqual(read(`((1,))`), [1]);
  assert.deepEqual(read(`{'a': 1,}`), { a: 1 });
  assert.deepEqual(read(`{1: 'a', -2: 'b'}`), { 1: 'a', '-2': 'b' });
  assert.deepEqual(read(' \t\r\n{ "a" : [ 1 , 2 ] } \n'), { a: [1, 2] });
  for (const text of [
    '[,]',
    '(,)',
    '{,}',
    '[1,,]',
    '[1 2]',
    '{"a"}',
    '{"a": }',
    '{"a" 1}',
    '{1.5: 2}',
    '{None: 1}',
    '{[1]: 2}',
  ]) {
    refusal(text);
  }
});

test('the last of two equal keys wins, and a key named __proto__ is only a key', () => {
  assert.deepEqual(read(`{'a': 1, 'b': 2, 'a': 3}`), { a: 3, b: 2 });
  const value = read(`{'__proto__': {'admin': True}, 'constructor': 1}`) as Record<string, unknown>;
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(value['admin'], undefined);
  assert.deepEqual(Object.keys(value), ['__proto__', 'constructor']);
  assert.deepEqual(read(`{'\\x5f_proto__': 1}`), JSON.parse('{"__proto__": 1}'));
});

test('refuses whatever is not one complete value', () => {
  const refused = [
    '',
    ' ',
    '{',
    `{'a'`,
    `{'a': 'b'`,
    `'a`,
    `'''a'''`,
    `'a' 'b'`,
    `u'a'`,
    `b'a'`,
    'Recebido',
    'Truex',
    'Tru',
    'T',
    'falsy',
  ];
  for (const text of [
    ...refused,
    '{} {}',
    '{}x',
    '[1]]',
    '{"a": 1]',
    "{'a'}",
    '__import__("os")',
    '{"a": 1 + 1}',
    '[i for i in x]',
  ]) {
    refusal(text);
  }
  assert.deepEqual(refusal(`{'a': 1} x`), {
    message: 'there is more after the end of the value',
    offset: 9,
  });
});

test('refuses raw line breaks and NUL in texts', () => {
  for (const text of [`'a\nb'`, `'a\rb'`, `'a\0b'`, `'\\'\n'`]) {
    assert.match(refusal(text).message, /must be written as an escape/);
  }
  assert.equal(read(`'a\tb'`), 'a\tb');
});

test('refuses bytes that are not UTF-8, and cuts in the middle of a character', () => {
  const quoted = (...bytes: number[]): Buffer => Buffer.from([0x27, ...bytes, 0x27]);
  for (const bad of [
    [0xff],
    [0xc3],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0x80],
  ]) {
    assert.equal(refusal(quoted(...bad)).message, 'this text is not UTF-8');
    assert.equal(refusal(quoted(0x5c, 0x6e, ...bad)).message, 'this text is not UTF-8');
  }
  refusal(quoted(0xc3, 0x5c, 0x6e, 0xa9));
  const long = 'ã'.repeat(40);
  assert.equal(read(`'${long}'`), long);
  refusal(Buffer.concat([Buffer.from(`'${long}`), Buffer.from([0xc3, 0x27])]));
});

test('reads only from start to end', () => {
  const bytes = Buffer.from(`xx{'a': '12'}{'b': 1}`);
  assert.deepEqual(readLiteral(bytes, 2, 13, 4), { ok: true, value: { a: '12' } });
  for (let end = 2; end < 13; end++) {
    const cut = readLiteral(bytes, 2, end, 4);
    assert.equal(cut.ok, false, `cut at ${end}`);
  }
  assert.deepEqual(readLiteral(Buffer.from('1234'), 1, 3, 1), { ok: true, value: 23 });
  assert.deepEqual(readLiteral(Buffer.from('12'), 0, 99, 1), { ok: true, value: 12 });
});

test('brackets may be open maxDepth deep, and no stack is exhausted by more', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  const bytes = Buffer.from(nested(5));
  assert.equal(readLiteral(bytes, 0, bytes.length, 5).ok, true);
  assert.equal(refusal(nested(6), 5).message, 'too many brackets are open at once');
  refusal('['.repeat(1_000_000));
  refusal('{"a":'.repeat(1_000_000));
  assert.equal(refusal('{}', 0).offset, 0);
});

test('a refusal leaves nothing behind for the next value', () => {
  refusal('[[[[');
  assert.deepEqual(read(nestedTo(32)), JSON.parse(nestedTo(32)));
});

function nestedTo(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

test('the same value comes out, whatever was read before it', () => {
  // More texts than the cache has slots: they push each other out, and never stand for each other.
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 5000; number++) {
      assert.deepEqual(read(`{'k${number}': 'é${number}'}`), { [`k${number}`]: `é${number}` });
    }
  }
});

test('reads whatever JSON.stringify writes', () => {
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 5 }),
    fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }),
  );
  fc.assert(
    fc.property(anything, fc.constantFrom(undefined, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(read(text), JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test('reads whatever Python writes with str()', () => {
  const values = fc.sample(fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }), 400);
  values.push(`it's`, `"`, `'"`, '\\', '\n\r\t\0\x1b\x7f\x85\xa0', '🎵', 'ação', 1e16, 1e-7, 123456789, -2.5);
  const script = [
    'import json, sys',
    'def tuples(v):',
    '    if isinstance(v, list): return tuple(tuples(x) for x in v)',
    '    if isinstance(v, dict): return {k: tuples(x) for k, x in v.items()}',
    '    return v',
    'values = json.load(sys.stdin)',
    'json.dump([[str([v])[1:-1], str([tuples(v)])[1:-1]] for v in values], sys.stdout)',
  ].join('\n');
  const python = spawnSync('python3', ['-c', script], { input: JSON.stringify(values), encoding: 'utf8' });
  assert.equal(python.status, 0, python.stderr);
  const written = JSON.parse(python.stdout) as [string, string][];
  assert.equal(written.length, values.length);
  written.forEach(([withLists, withTuples], index) => {
    const expected = JSON.parse(JSON.stringify(values[index]));
    assert.deepEqual(read(withLists), expected, withLists);
    assert.deepEqual(read(withTuples), expected, withTuples);
  });
});

test('any bytes give a value or a refusal, never an exception', () => {
  const pieces = fc.constantFrom(
    ...Array.from(`{}[](),:'"\\ \nTrueNone-+.eE0123456789xuU`),
    'é',
    '\xff',
    "{'a': ",
    'False',
  );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.array(pieces, { maxLength: 40 })), (input) => {
      const bytes = Array.isArray(input) ? Buffer.from(input.join(''), 'latin1') : Buffer.from(input);
      const result = readLiteral(bytes, 0, bytes.length, 8);
      if (!result.ok) assert.ok(result.failure.offset >= 0 && result.failure.offset <= bytes.length);
    }),
    { numRuns: 3000 },
  );
});
