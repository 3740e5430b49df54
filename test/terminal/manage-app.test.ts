import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManageAppRig } from '../helpers/manage-app-rig.ts';
import { FakeHub } from '../helpers/fake-hub.ts';
import { until } from '../helpers/until.ts';

const hub = new FakeHub();
before(() => hub.start());
after(() => hub.stop());

describe('ManageApp', () => {
  test('a window has exactly its rows, at every size', async () => {
    hub.add('DE1', { title: 'Sensor', commands: [{ name: 'a', title: 'A' }] });
    const rig = new ManageAppRig(hub);
    await rig.see('DE1');
    for (const columns of [1, 10, 23, 24, 59, 60, 200]) {
      for (const rows of [1, 7, 8, 15, 16, 60]) {
        rig.resize(columns, rows);
        assert.equal(rig.lines.length, rows, `${columns}x${rows}`);
      }
    }
    rig.app.quit();
  });

  test('a screen below another one stays as it was', async () => {
    hub.add('DE2', { title: 'Radio' });
    const rig = new ManageAppRig(hub);
    await rig.see('DE2');
    rig.press('down');
    rig.type('?');
    assert.match(rig.text, /Devices › Help\n[^]*Everywhere/);
    rig.press('escape');
    assert.match(rig.text, /❯ +2 ● DE2/);
    rig.press('escape');
    assert.match(rig.text, /Connect to a hub/);
    rig.app.quit();
  });

  test('the selection stays with its device when others come before it', async () => {
    const rig = new ManageAppRig(hub);
    await rig.see('DE2');
    rig.press('down');
    hub.add('A1');
    await rig.see('A1');
    assert.match(rig.text, /❯ +3 ● DE2/);
    rig.app.quit();
  });

  test('nothing is asked again while nothing happens, and what devices report comes by itself', async () => {
    const device = hub.add('DE3', { readings: [{ metric: 'level', value: 1 }] });
    const rig = new ManageAppRig(hub);
    await rig.see('DE3');
    rig.type('/DE3');
    rig.press('enter');
    await rig.see('1 device');
    rig.press('enter');
    await rig.see(/level +1/);
    await until('it is followed', () => hub.requests.some((request) => request.endsWith('?device=DE3')));
    await pass(rig, 3000);
    const asked = hub.requests.length;
    await pass(rig, 60_000);
    device.readings = Array.from({ length: 50 }, (_, value) => ({
      metric: 'level',
      value,
      unit: null,
      time: new Date(Date.now() + value).toISOString(),
    }));
    await rig.see(/level +49/);
    device.unavailable = { reason: 'no power', time: new Date().toISOString() };
    await rig.see(/Nothing to report since .*: no power/);
    assert.deepEqual(hub.requests.slice(asked), []);
    rig.app.quit();
  });

  test('a hub without events is asked every second', async () => {
    hub.hasEvents = false;
    const rig = new ManageAppRig(hub);
    await rig.see('DE1');
    hub.add('B7', { title: 'Boiler' });
    await rig.see('Boiler');
    rig.app.quit();
    hub.hasEvents = true;
  });

  test('after the end no timer is left', async () => {
    const rig = new ManageAppRig(hub);
    await rig.see('DE1');
    rig.app.quit();
    assert.equal(rig.clock.pending, 0);
  });
});

/** Lets time go on in steps, and what was asked be answered. */
async function pass(rig: ManageAppRig, ms: number): Promise<void> {
  for (let step = 0; step < 30; step++) {
    rig.clock.advance(ms / 30);
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  }
}
