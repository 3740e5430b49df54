import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Radio } from './radio.ts';
import { ReportSchedule } from './report-schedule.ts';
import { Sensor } from './sensor.ts';

test('a radio is off and silent at first', () => {
  const radio = new Radio({});
  assert.deepEqual([radio.isOn, radio.song, radio.isPlaying], [false, undefined, false]);
  assert.equal(radio.play(), 'no-song');
  assert.equal(radio.turnOff(), 'already-off');
});

test('setting a song plays it when the radio is on, and does not when it is off', () => {
  const radio = new Radio({});
  assert.equal(radio.setSong('Águas'), true);
  assert.equal(radio.isPlaying, false);
  assert.equal(radio.play(), 'radio-off');
  assert.equal(radio.pause(), 'radio-off');
  assert.equal(radio.turnOn(), 'turned-on');
  assert.equal(radio.isPlaying, true, 'turning on plays');
  assert.equal(radio.play(), 'already-playing');
  assert.equal(radio.pause(), 'paused');
  assert.equal(radio.pause(), 'already-paused');
  assert.equal(radio.setSong('Outra'), true);
  assert.equal(radio.isPlaying, true);
  assert.equal(radio.turnOff(), 'turned-off');
  assert.equal(radio.isPlaying, false, 'turning off pauses');
});

test('turning on without a song plays nothing', () => {
  const radio = new Radio({});
  radio.turnOn();
  assert.equal(radio.isPlaying, false);
  assert.equal(radio.turnOn(), 'already-on');
});

test('names of songs are trimmed, cut and never empty', () => {
  const radio = new Radio({ isOn: true });
  assert.equal(radio.setSong('  '), false);
  assert.equal(radio.setSong(` ${'x'.repeat(500)} `), true);
  assert.equal(radio.song?.length, 200);
});

test('a sensor takes whole temperatures from -49 to 299, and tells each change once', () => {
  const sensor = new Sensor({ schedule: new ReportSchedule() });
  let changes = 0;
  sensor.watch(() => changes++);
  for (const value of [-50, 300, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal(sensor.setTemperature(value), false);
  assert.equal(changes, 0);
  for (const value of [-49, 299, 299]) assert.equal(sensor.setTemperature(value), true);
  assert.equal(changes, 2);
  assert.deepEqual(
    [sensor.turnOn(), sensor.turnOn(), sensor.turnOff()],
    ['turned-on', 'already-on', 'turned-off'],
  );
  assert.equal(changes, 4);
});
