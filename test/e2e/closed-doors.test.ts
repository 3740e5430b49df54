import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { hashPassword } from '../../src/mqtt/access/password-hash.ts';
import { findFreePorts, startHubProcess } from '../helpers/hub-process.ts';
import { until } from '../helpers/until.ts';

it('a hub that passwords have closed for the API says so, and what to set', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'recado-doors-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'users.txt');
  writeFileSync(file, `ana:${await hashPassword(Buffer.from('secret'))}\n`, { mode: 0o600 });
  const settings = { RECADO_MQTT_PASSWORD_FILE: file };
  const hub = await startHubProcess(await findFreePorts(), { settings });
  t.after(() => hub.stop());
  await until('it is told', () => hub.program.errorText.includes('nobody may use the API'));
  assert.match(hub.program.errorText, /set http\.tokens/);
  assert.equal((await fetch(`${hub.url}/api/v1/devices`)).status, 401);
});

it('a hub with its defaults says nothing of the kind', async (t) => {
  const hub = await startHubProcess(await findFreePorts());
  t.after(() => hub.stop());
  assert.equal((await fetch(`${hub.url}/api/v1/devices`)).status, 200);
  assert.doesNotMatch(hub.program.errorText, /nobody may|may come in/);
});
