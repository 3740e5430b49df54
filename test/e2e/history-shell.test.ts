import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDevice } from '../../src/device/index.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const BEGIN = Date.parse('2026-11-22T12:00:00.000Z');
const RANGE = ['--from', '2026-11-22T00:00:00Z', '--to', '2026-11-23T00:00:00Z'];

test('recado history prints CSV, of all numbers or of those that are named, page after page', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.telemetry.flushMs = 10;
  });
  const device = createDevice({ id: 'pump', hub: `127.0.0.1:${hub.tcpPort}` });
  t.after(() => device.stop());
  await device.start();
  for (let second = 0; second < 3500; second++)
    device.report({ bar: second }, { at: new Date(BEGIN + second * 1000) });
  device.report({ 'a "b",c': 2, lit: true, name: 'a text' }, { at: new Date(BEGIN) });
  await until('they are kept', () => hub.server.hub.history?.counters.readingsKept === 3502);
  const run = (...words: string[]): Promise<ProgramEnd> =>
    runProgram(recadoWords('history', '--url', hub.url, ...words));
  const all = await run('pump', ...RANGE);
  const lines = all.output.split('\n');
  assert.deepEqual([all.end, all.errors, lines.length], [0, '', 3502]);
  assert.deepEqual(lines.slice(0, 3), [
    'time,bar,"a ""b"",c",lit',
    '2026-11-22T12:00:00.000Z,0,2,1',
    '2026-11-22T12:00:01.000Z,1,,',
  ]);
  assert.equal(lines.at(-2), '2026-11-22T12:58:19.000Z,3499,,');
  const hours = await run('pump', 'bar', '--every', '1h', '--fn', 'max', ...RANGE);
  assert.equal(hours.output, 'time,bar\n2026-11-22T12:00:00.000Z,3499\n');
  const json = await run('pump', 'lit', 'bar', '--json', '--every', '1d', '--fn', 'count', ...RANGE);
  assert.equal(json.output, '{"time":"2026-11-22T00:00:00.000Z","values":{"lit":1,"bar":3500}}\n');
  for (const [words, end, errors] of [
    [['nobody', 'bar'], 5, /no device nobody/],
    [['pump', 'bar', '--every', '1y'], 6, /every is a number with/],
    [['pump', 'bar', '--from', 'tomorrow'], 2, /15m, 12h, 7d/],
    [['pump', 'bar', '--fn', 'median'], 2, /Allowed choices/],
  ] as const) {
    const ended = await run(...words);
    assert.deepEqual([ended.end, ended.output], [end, ''], words.join(' '));
    assert.match(ended.errors, errors);
  }
});
