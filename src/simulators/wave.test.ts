import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wave } from './wave.ts';

test('moves slowly around its center, in whole degrees', () => {
  const wave = new Wave({ center: 20, amplitude: 8, periodMs: 300_000, noise: 0.6 });
  let before = wave.at(0);
  const seen = new Set<number>();
  for (let time = 0; time <= 300_000; time += 800) {
    const now = wave.at(time);
    assert.ok(Number.isInteger(now) && now >= 11 && now <= 29, `${now}`);
    assert.ok(Math.abs(now - before) <= 3, `${before} → ${now}`);
    before = now;
    seen.add(now);
  }
  assert.ok(seen.size > 10);
});

test('never leaves what the sensor can show', () => {
  const hot = new Wave({ center: 290, amplitude: 500 });
  const cold = new Wave({ center: -40, amplitude: 500 });
  for (let time = 0; time <= 300_000; time += 5000) {
    for (const value of [hot.at(time), cold.at(time)]) assert.ok(value >= -49 && value <= 299, `${value}`);
  }
});

test('begins where its random number says, so that sensors differ', () => {
  const at = (number: number): number =>
    new Wave({ random: () => number, noise: 0, center: 0, amplitude: 40 }).at(0);
  assert.equal(at(0), 0);
  assert.equal(at(0.25), 40);
  assert.equal(at(0.75), -40);
});
