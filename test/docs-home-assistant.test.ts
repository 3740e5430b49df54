import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readMarkdown } from './helpers/markdown.ts';
import { whyNoMosquitto } from './helpers/mosquitto.ts';
import { runProgram } from './helpers/run-program.ts';
import { startTestHub, type TestHub } from './helpers/start-test-hub.ts';
import { until } from './helpers/until.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/home-assistant.md'), 'utf8');

/** On the ports of the hub of this test. */
function withPorts(command: string, { url, mqttPort }: TestHub): string {
  return command
    .replaceAll('http://127.0.0.1:5070', url)
    .replaceAll(/mosquitto_(pub|sub)/g, `mosquitto_$1 -p ${mqttPort}`);
}

/** The commands of a block with what they print; `…` stands for anything. */
function readConsole(lines: readonly string[]): { command: string; wanted: RegExp }[] {
  const commands: { command: string; wanted: RegExp }[] = [];
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('$ ')) continue;
    const parts = (lines[index + 1] ?? '')
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    commands.push({ command: line.slice(2), wanted: new RegExp(`^${parts.join('.*')}`, 's') });
  }
  return commands;
}

describe('docs/home-assistant.md', { skip: whyNoMosquitto() }, () => {
  it('shows commands that do what it says, in this order', async (t) => {
    const hub = await startTestHub(t);
    let count = 0;
    for (const { language, lines } of readMarkdown(page).codeBlocks) {
      if (language === 'sh') {
        // What goes on beside the others holds on to no output of this test.
        const script = `exec > /dev/null 2>&1\n${withPorts(lines.join('\n'), hub)}`;
        const { end } = await runProgram(['bash', '-c', script]);
        assert.equal(end, 0, script);
      }
      for (const { command, wanted } of language === 'console' ? readConsole(lines) : []) {
        count++;
        let output = '';
        // What was published is on its way.
        await until(`${command} prints ${String(wanted)}`, async () => {
          ({ output } = await runProgram(['bash', '-c', withPorts(command, hub)]));
          return wanted.test(output);
        });
      }
    }
    assert.equal(count, 4);
  });
});
