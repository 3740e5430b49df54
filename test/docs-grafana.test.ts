import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startTestHub } from './helpers/start-test-hub.ts';

type Panel = { readonly title: string; readonly targets?: readonly { readonly expr: string }[] };
type Dashboard = {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};

const dashboard = JSON.parse(readFileSync('grafana/recado.json', 'utf8')) as Dashboard;
const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
const definitions = dashboard.templating.list.flatMap(({ definition = [] }) => definition);
const page = readFileSync('docs/grafana.md', 'utf8');
const skip = spawnSync('promtool', ['--version']).status === 0 ? false : 'there is no promtool here';

const namesIn = (text: string): string[] => text.match(/\b(?:recado|process)_[a-z_]+\b/g) ?? [];

describe('the dashboard of Grafana', () => {
  it('names only metrics and labels that there are', async (t) => {
    const hub = await startTestHub(t);
    const pages = await Promise.all(
      ['/metrics', '/metrics/devices'].map(async (path) => (await hub.call('GET', path)).text),
    );
    const known = new Set(pages.join('\n').match(/(?<=^# TYPE )\w+/gm));
    assert.ok(known.size > 100);
    const named = [...expressions, ...definitions, page].flatMap(namesIn);
    assert.ok(named.length > 20);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
    const labels =
      dashboard.panels.length > 0 ? JSON.stringify(dashboard).match(/(?<=\{\{)\w+(?=\}\})/g) : [];
    const there = new Set(['device', 'metric', 'unit', 'reason', 'status']);
    assert.deepEqual(
      labels!.filter((label) => !there.has(label)),
      [],
    );
  });

  it('has variables for all that it asks by', () => {
    const variables = new Set(dashboard.templating.list.map(({ name }) => name));
    const asked = [...expressions, ...definitions].flatMap((text) => text.match(/(?<=\$)[a-z]\w*/g) ?? []);
    assert.ok(asked.length > 0);
    assert.deepEqual(
      asked.filter((name) => !variables.has(name)),
      [],
    );
  });

  it('asks what Prometheus can read, and so does the page', { skip }, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'recado-grafana-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const rules = expressions.map((expr, index) => ({
      record: `asked:number_${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$\w+/g, '.*'),
    }));
    const file = join(folder, 'rules.json');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const read = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    assert.equal(read.status, 0, read.stderr);
    const config = /```yaml\n(scrape_configs:[\s\S]*?)```/.exec(page)![1]!;
    writeFileSync(join(folder, 'recado.token'), 'x');
    writeFileSync(join(folder, 'prometheus.yml'), config);
    const checked = spawnSync('promtool', ['check', 'config', join(folder, 'prometheus.yml')], {
      encoding: 'utf8',
    });
    assert.equal(checked.status, 0, checked.stderr);
  });
});
