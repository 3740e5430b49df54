import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ChildProgram } from '../helpers/child-program.ts';
import { makeAuthority } from '../helpers/mqtt-certificates.ts';
import { plainEnvironment, runProgram } from '../helpers/run-program.ts';
import { readText, ROOT } from '../helpers/source-files.ts';

const START = join(ROOT, 'scripts/start.mjs');
const ANY_PORTS = ['--http-port', '0', '--tcp-port', '0', '--udp-port', '0', '--mqtt-port', '0'];

const TITLES = {
  en: ['Temperature sensor', 'Internet radio', 'Radio of the old protocol'],
  pt_BR: ['Sensor de temperatura', 'Rádio via internet', 'Rádio do protocolo antigo'],
};

const folder = mkdtempSync(join(tmpdir(), 'recado-start-'));
after(() => rmSync(folder, { recursive: true }));

describe('npm start', () => {
  for (const language of ['en', 'pt_BR'] as const)
    it(`runs a hub and three devices, shows what to try, and stops all of them (${language})`, async (t) => {
      const child = spawn(process.execPath, [START, ...ANY_PORTS], {
        cwd: folder,
        env: { ...plainEnvironment(), LC_ALL: `${language}.UTF-8` },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.after(() => child.kill('SIGTERM'));
      let screen = '';
      const isShown = new Promise<void>((resolve, reject) => {
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          screen += text;
          if (screen.includes('Ctrl+C stops everything.')) resolve();
        });
        child.once('exit', () => reject(new Error(`it ended: ${screen}`)));
      });
      await isShown;
      const url = / {2}applications +(http:\S+)/.exec(screen)?.[1] ?? '';
      const invoked = / curl -X POST (http:\S+)/.exec(screen)?.[1] ?? '';
      assert.match(
        screen,
        /Recado is running, with a temperature sensor \(sensor\), an internet radio \(radio\) and/,
      );
      assert.match(screen, / a radio of the old protocol \(DE1\)\.\n/);
      const data = / {2}data +(\S+)/.exec(screen)?.[1] ?? '';
      assert.equal(data, join(realpathSync(folder), 'recado-data'));
      assert.match(screen, new RegExp(` npx recado manage ${url}\n`));

      const listed = await (await fetch(`${url}/api/v1/devices?status=online`)).json();
      const titles = (listed as { devices: { title: string }[] }).devices.map(({ title }) => title);
      assert.deepEqual(titles, TITLES[language]);
      const answer = await fetch(invoked, { method: 'POST' });
      assert.deepEqual(((await answer.json()) as { output: unknown }).output, {
        on: true,
        song: null,
        playing: false,
      });
      for (const page of ['README.md', 'README.pt-BR.md']) {
        await fetch(`${url}/devices/radio/commands/2`, { method: 'POST' });
        await playConsole(page, url);
      }

      child.kill('SIGINT');
      const [exitCode] = (await once(child, 'close')) as [number];
      assert.equal(exitCode, 0);
      assert.match(screen, /Stopping the devices, then the hub\.\n$/);
      await assert.rejects(fetch(`${url}/healthz`));
    });

  it('shows what to try at once where the hub has a certificate of an authority of its own', async (t) => {
    const identity = await (await makeAuthority()).issueServer('127.0.0.1');
    writeFileSync(join(folder, 'hub.crt'), identity.cert);
    writeFileSync(join(folder, 'hub.key'), identity.key);
    const tls = '{ enabled: true, certFile: hub.crt, keyFile: hub.key }';
    writeFileSync(join(folder, 'tls.yaml'), `http: { tls: ${tls} }\n`);
    const words = [process.execPath, START, 'tls.yaml', ...ANY_PORTS];
    const start = new ChildProgram(words, { name: 'npm start', cwd: folder, env: plainEnvironment() });
    t.after(() => start.stop());
    await start.waitForLine(/^Recado is running, with a temperature sensor, an internet radio and /);
    await start.waitForLine(/npx recado manage https:/);
    await start.waitForLine(/curl --cacert FILE, manage --cafile FILE/);
    start.signal('SIGINT');
    assert.equal(await start.exit(), 0);
  });

  it('ends with the sentence of the hub when that cannot start', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const words = [process.execPath, START, ...ANY_PORTS, '--tcp-port', String(port)];
    const { end, output, errors } = await runProgram(words, { cwd: folder });
    other.close();
    assert.deepEqual([end, output], [1, '']);
    assert.match(errors, new RegExp(`^recado: TCP port ${port} .* --tcp-port`));
  });
});

/** Runs the curl lines of a page in the order they stand there, and holds what comes against what is shown. */
async function playConsole(page: string, url: string): Promise<void> {
  const block = /```console\n(.*?)```/s.exec(readText(page))?.[1] ?? '';
  const calls = block
    .trim()
    .split(/\n*^\$ /m)
    .filter((text) => text !== '');
  assert.ok(calls.length >= 3);
  for (const call of calls) {
    const [command = '', ...shown] = call.split('\n');
    const words = command.replaceAll('http://127.0.0.1:5070', url);
    const { end, output } = await runProgram(['sh', '-c', words.replace('curl ', 'curl -s ')], {
      cwd: folder,
    });
    assert.equal(end, 0, command);
    assert.equal(withoutNews(output), withoutNews(shown.join('')), `${page}: ${command}`);
  }
}

/** Leaves out what differs from one run to the next: times, ids of invocations, the temperature. */
function withoutNews(json: string): string {
  return json
    .trim()
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/"id":"[^"]+"/g, '"id":"ID"')
    .replaceAll(/"value":-?\d+/g, '"value":N');
}
