import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppBench } from '../../../test/helpers/app-bench.ts';
import { FakeHub } from '../../../test/helpers/fake-hub.ts';

const hub = new FakeHub();
before(() => hub.start());
after(() => hub.stop());

describe('ManageApp', () => {
  test('a window has exactly its rows, at every size', async () => {
    hub.add('DE1', { title: 'Sensor', commands: [{ name: 'a', title: 'A' }] });
    const bench = new AppBench(hub);
    await bench.see('DE1');
    for (const columns of [1, 10, 23, 24, 59, 60, 200]) {
      for (const rows of [1, 7, 8, 15, 16, 60]) {
        bench.app.resize({ columns, rows });
        assert.equal(bench.app.draw().length, rows, `${columns}x${rows}`);
      }
    }
    bench.app.close();
  });

  test('news are drawn at most four times a second, keys at once', async () => {
    const bench = new AppBench(hub);
    const { app, clock } = bench;
    await bench.see('DE1');
    clock.advance(0);
    app.onKey({ name: 'text', text: '/' });
    const before = app.version();
    for (let calls = 0; calls < 200; calls++) app.changed();
    clock.advance(249);
    assert.equal(app.version(), before);
    clock.advance(1);
    assert.equal(app.version(), before + 1);
    app.onKey({ name: 'text', text: 'x' });
    assert.equal(app.version(), before + 2);
    app.close();
  });

  test('a screen below another one stays as it was', async () => {
    hub.add('DE2', { title: 'Radio' });
    const bench = new AppBench(hub);
    await bench.see('DE2');
    bench.app.onKey({ name: 'down', text: '' });
    bench.app.onKey({ name: 'text', text: '?' });
    assert.match(bench.text, /Devices › Help\n[^]*Everywhere/);
    bench.app.onKey({ name: 'escape', text: '' });
    assert.match(bench.text, /❯ +2 ● DE2/);
    bench.app.onKey({ name: 'escape', text: '' });
    assert.match(bench.text, /Connect to a hub/);
    bench.app.close();
  });

  test('the selection stays with its device when others come before it', async () => {
    const bench = new AppBench(hub);
    await bench.see('DE2');
    bench.app.onKey({ name: 'down', text: '' });
    hub.add('A1');
    await bench.see('A1');
    assert.match(bench.text, /❯ +3 ● DE2/);
    bench.app.close();
  });

  test('after the end no timer is left', async () => {
    const bench = new AppBench(hub);
    await bench.see('DE1');
    bench.app.quit();
    assert.equal(bench.clock.pending, 0);
  });
});
