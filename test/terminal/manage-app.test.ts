import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ManageAppRig } from '../helpers/manage-app-rig.ts';
import { FakeHub } from '../helpers/fake-hub.ts';

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

  test('after the end no timer is left', async () => {
    const rig = new ManageAppRig(hub);
    await rig.see('DE1');
    rig.app.quit();
    assert.equal(rig.clock.pending, 0);
  });
});
