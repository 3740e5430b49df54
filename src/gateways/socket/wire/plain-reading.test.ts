import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPlainDatagram, readQuantity, withoutValid } from './plain-reading.ts';

test('a number with a unit becomes a number and a unit', () => {
  const cases: [unknown, unknown, string | undefined][] = [
    ['25°C', 25, '°C'],
    ['-49 °C', -49, '°C'],
    ['40%', 40, '%'],
    ['3.5 m/s', 3.5, 'm/s'],
    ['12', 12, undefined],
    [7.5, 7.5, undefined],
    [true, true, undefined],
  ];
  for (const [given, value, unit] of cases)
    assert.deepEqual(readQuantity(given), { value, unit }, String(given));
});

test('what only looks like a quantity stays a text', () => {
  for (const text of [
    'Ligado',
    '',
    '12:30',
    '2026-11-22',
    '007',
    '1234567890123456',
    '1e400',
    '25 °C now',
    '- 5',
  ]) {
    assert.deepEqual(readQuantity(text), { value: text, unit: undefined }, text);
  }
  assert.deepEqual(readQuantity({ a: [1] }), { value: '{"a":[1]}', unit: undefined });
});

test('Válido and Justificativa', () => {
  const valid = readPlainDatagram({ Temperatura: '25°C', Válido: true });
  assert.ok(valid?.valid);
  assert.deepEqual(withoutValid(valid.values), { Temperatura: '25°C' });
  assert.deepEqual(readPlainDatagram({ Temperatura: '25°C' }), {
    valid: true,
    values: { Temperatura: '25°C' },
  });
  assert.deepEqual(readPlainDatagram({ Válido: false, Justificativa: 'off' }), {
    valid: false,
    reason: 'off',
  });
  assert.equal(readPlainDatagram({ Válido: false })?.valid, false);
  for (const bad of [null, 5, 'x', [1]]) assert.equal(readPlainDatagram(bad), undefined);
});
