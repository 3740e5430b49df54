import { createSecretKey } from 'node:crypto';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasValidMac, isSigned, parseSigned, ReplayWindow } from './signed-datagrams.ts';

/** Made with: `printf '{"telemetry":{"t":1},"id":"a","seq":1' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00…00`. */
const VECTOR = Buffer.from(
  '{"telemetry":{"t":1},"id":"a","seq":1,"mac":"OV3-K2KGmqAj44lNVw_eAn6-VhjVtHCLUTNCg1P2Eek"}',
);

test('a signed datagram is told by its end', () => {
  assert.equal(isSigned(VECTOR), true);
  for (const text of [
    '',
    '{}',
    "{'Temperatura': '25°C', 'Válido': True}",
    '{"mac":"short"}',
    VECTOR.toString().replace('mac', 'mak'),
  ]) {
    assert.equal(isSigned(Buffer.from(text)), false, text);
  }
});

test('what is signed but no JSON object is nothing', () => {
  assert.equal(parseSigned(Buffer.from('[1]')), undefined);
  assert.equal(parseSigned(Buffer.from('{')), undefined);
  assert.deepEqual(parseSigned(VECTOR)?.['id'], 'a');
});

test('bytes that are no UTF-8 are no message', () => {
  const broken = Buffer.from(VECTOR);
  broken[broken.indexOf('"a"') + 1] = 0xe9;
  assert.equal(parseSigned(broken), undefined);
});

test('one changed bit anywhere makes the signature wrong', () => {
  const key = createSecretKey(Buffer.alloc(32));
  assert.equal(hasValidMac(VECTOR, key), true);
  for (let index = 0; index < VECTOR.length - 2; index++) {
    if (index >= VECTOR.length - 53 && index < VECTOR.length - 45) continue;
    const changed = Buffer.from(VECTOR);
    changed[index] = (changed[index] ?? 0) ^ 0x04;
    assert.equal(hasValidMac(changed, key), false, `bit of byte ${index}`);
  }
});

test('the window takes each number once, also when datagrams overtake each other', () => {
  const window = new ReplayWindow();
  const order = [1, 3, 2, 2, 1, 70, 7, 6, 69, 69, 134, 70, 71];
  assert.deepEqual(
    order.map((sequence) => window.accept(sequence)),
    [true, true, true, false, false, true, true, false, true, false, true, false, true],
  );
  assert.equal(window.lost, 134 - 8);
});

test('numbers that are none are never taken', () => {
  const window = new ReplayWindow();
  for (const bad of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 53])
    assert.equal(window.accept(bad), false, String(bad));
  assert.equal(window.lost, 0);
});
