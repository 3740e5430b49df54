import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { CommandError, createDevice, type Device } from '../../src/device/index.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

const PROGRAM = new URL('consume.mjs', import.meta.url).pathname;
const TOKEN = 'a-token-of-the-configuration';

/* node-wot's client, as a program of its own: it must get along by what descriptions say, without a word of the hub. */

async function bringDevice(t: TestContext, hub: TestHub, id: string): Promise<Device> {
  const device = createDevice({
    id,
    hub: `127.0.0.1:${hub.tcpPort}`,
    commands: {
      status: { kind: 'read', output: { type: 'string' }, run: () => 'fine' },
      add: {
        input: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
        output: { type: 'integer' },
        run: ({ input: { a = 0, b = 0 } }) => a + b,
      },
      greet: { input: { type: 'string' }, run: ({ input }) => ({ text: `Hello, ${input}` }) },
      refuse: {
        run: () => {
          throw new CommandError('tired', 'not today');
        },
      },
    },
    telemetry: { celsius: { type: 'number', unit: 'Cel' } },
    events: { bell: { data: { type: 'object' } } },
  });
  t.after(() => device.stop());
  assert.equal((await device.start()).status, 'online');
  return device;
}

function consume(t: TestContext, hub: TestHub, token: string, thing: string): ChildProgram {
  const program = new ChildProgram([process.execPath, PROGRAM, hub.url, token, thing], { name: 'node-wot' });
  t.after(() => program.stop());
  return program;
}

const parse = (line: string): [string, unknown] => JSON.parse(line) as [string, unknown];

test('node-wot finds a device in the directory, reads, invokes, observes and subscribes', async (t) => {
  const hub = await startTestHub(t);
  const device = await bringDevice(t, hub, 'oven:1');
  await bringDevice(t, hub, 'lamp');
  device.report({ celsius: 20.5 });
  const program = consume(t, hub, '', 'urn:recado:device:oven%3A1');
  await program.waitForLine('["listening",true]');
  device.report({ celsius: 21 });
  device.emit('bell', { by: 'Ana' });
  assert.equal(await program.exit(), 0);
  const told = program.lines.map(parse);
  assert.deepEqual(told.slice(0, 5), [
    ['directory', ['urn:recado:device:lamp', 'urn:recado:device:oven%3A1']],
    ['celsius', 20.5],
    ['status', 'fine'],
    ['add', 5],
    ['greet', { text: 'Hello, Ana' }],
  ]);
  assert.equal(told[5]?.[0], 'refuse');
  assert.deepEqual(
    told.slice(7).toSorted(([a], [b]) => a.localeCompare(b)),
    [
      ['bell told', { by: 'Ana' }],
      ['celsius told', 21],
    ],
  );
});

test('node-wot shows a token where one is needed', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [TOKEN];
    config.http.trustedNetworks = [];
  });
  const device = await bringDevice(t, hub, 'lamp');
  device.report({ celsius: 20.5 });
  const program = consume(t, hub, TOKEN, 'urn:recado:device:lamp');
  assert.equal(await program.exit(), 0);
  assert.deepEqual(program.lines.map(parse).slice(0, 4), [
    ['directory', ['urn:recado:device:lamp']],
    ['celsius', 20.5],
    ['status', 'fine'],
    ['add', 5],
  ]);
});
