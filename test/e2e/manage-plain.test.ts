import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { GREENHOUSE } from '../helpers/fake-commands.ts';
import { ManageRig } from '../helpers/manage-rig.ts';
import { plainEnvironment } from '../helpers/run-program.ts';
import { ROOT } from '../helpers/source-files.ts';

const MAIN = join(ROOT, 'src/cli/main.ts');
const TIMEOUT_MS = 30_000;

type End = { readonly code: number | null; readonly output: string; readonly errors: string };

/** Runs `recado manage` with these lines as its input, and the end of the input after them. */
function manage(
  args: readonly string[],
  lines: readonly string[],
  env: Record<string, string> = {},
): Promise<End> {
  const child = spawn(process.execPath, [MAIN, 'manage', ...args], {
    env: { ...plainEnvironment(), LC_ALL: 'C', ...env },
    timeout: TIMEOUT_MS,
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, output, errors }));
  });
}

describe('recado manage in plain lines', () => {
  const rig = new ManageRig();
  const { hub } = rig;
  before(() => hub.start());
  afterEach(() => rig.reset());
  after(() => hub.stop());

  /** Runs it and checks what is always so: it ends well, and writes nothing but text. */
  async function run(
    lines: readonly string[],
    options: { args?: readonly string[]; env?: Record<string, string>; end?: number } = {},
  ): Promise<string> {
    const { code, output, errors } = await manage(options.args ?? [hub.url], lines, options.env);
    assert.equal(errors, '');
    assert.equal(code, options.end ?? 0);
    // oxlint-disable-next-line no-control-regex -- there may be none
    assert.doesNotMatch(output, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    return output;
  }

  it('lists, opens, sends and goes back, as the menus say', async () => {
    rig.addSensor();
    const output = await run(['1', '1', 'd', 'b', 'q']);
    assert.match(
      output,
      /^Connected to http:\/\/127\.0\.0\.1:\d+, version 0\.1\.0\.\n\n1 device\n1\. {2}DE1 {2}Sensor de temperatura {2}online for 5 min\n/,
    );
    assert.match(
      output,
      /\n> 1\nDE1, Sensor de temperatura: online for 5 min \(connected\)\n\nReadings:\n {2}Temperatura: 25 °C \(/,
    );
    assert.match(
      output,
      /\nCommands:\n1\. Ligar\n2\. Retornar medida\n\nType a number to send a command, or: d general/,
    );
    assert.match(
      output,
      /\nDE1> 1\nSending Ligar to DE1 …\n\nAnswered in \d+ ms:\n {2}Dispositivo ligado\nReached: accepted /,
    );
    assert.match(output, /\nIn its own words:\n {2}Status: Ligado\n/);
    assert.match(output, /\nDE1> b\n1 device\n/);
  });

  it('tells tags, and what became of the commands that were sent, and cancels', async () => {
    hub.add('DE1', { title: 'Lamp', status: 'offline', tags: ['floor2'], commands: GREENHOUSE });
    const phases = { accepted: new Date().toISOString() };
    const sent = { deviceId: 'DE1', command: 'hang', phases, safeToRetry: true };
    hub.keep({ ...sent, id: 'i1', state: 'failed' });
    hub.keep({ ...sent, id: 'i2', state: 'queued' });
    const output = await run(['1', 'i', '2', 'x1', '9', '?', '0', 'q']);
    assert.match(output, /\n1\. {2}DE1 {2}Lamp {2}#floor2 {2}offline for /);
    assert.match(output, /\nDE1, Lamp {2}#floor2: offline .*\n1 command waits for it\n/);
    assert.match(
      output,
      /> i\n1\. .* Hang {2}waits for the device\n2\. .* Hang {2}failed\n\nType a number to see/,
    );
    assert.match(output, /> 2\nfailed\nReached: accepted .*\nInvocation: i1\n/);
    assert.match(output, /> x1\nHang is cancelled\.\n\n1\. .* Hang {2}cancelled\n/);
    assert.match(output, /> 9\nThere is no "9" here/);
    assert.match(output, /x and a number: cancels/);
  });

  it('the end of the input ends it, wherever it is', async () => {
    hub.add('g', { commands: GREENHOUSE });
    for (const lines of [[], ['g'], ['g', '1'], ['g', '1', '20'], ['s']]) await run(lines);
    await run([], { args: [], end: 1 });
  });

  it('opens a device by its id, and says when there is none', async () => {
    rig.addSensor();
    const output = await run(['DE7', '..', 'DE1']);
    assert.match(output, /The hub knows no device with the id "DE7"\./);
    assert.match(output, /The hub knows no device with the id "\.\."\./);
    assert.match(output, /\nDE1, Sensor/);
  });

  it('asks for inputs field by field, until each fits', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const output = await run(['g', '1', 'warm', '50', '21.5', 'cool', 'yes', '1', '']);
    assert.match(output, /Target \(number, 5 to 35; empty: back\): warm\nThat is no number\./);
    assert.match(output, /50\nIt must be at most 35\./);
    assert.deepEqual(hub.invoked[0]?.input, { target: 21.5, mode: 'cool', vent: true });
    assert.match(output, /\n {2}held:\n {4}target: 21\.5\n {4}mode: cool\n {4}vent: true\n/);
    assert.match(output, /Nothing was sent\./);
    assert.equal(hub.invoked.length, 1);
  });

  it('tells failures in full', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const output = await run(['g', '2', '3', '9']);
    assert.match(
      output,
      /\nThe device answered that it failed \(DEVICE_ERROR · 409\)\n {2}greenhouse says no\nThe device said: The window is stuck · JAMMED · 409\n/,
    );
    assert.match(output, /\n {2}angle: 12\n/);
    assert.match(
      output,
      /\nThe device did not answer in time \(ANSWER_TIMEOUT · 504\)\nReached: accepted .* · sent .*\nSafe to send again: no: /,
    );
    assert.match(output, /There is no "9" here\. \? explains\./);
  });

  it('explains itself, goes back with 0, and tells what can be typed once a menu', async () => {
    rig.addSensor();
    const output = await run(['?', '1', '1', '1', '?', '0', 'q']);
    assert.match(output, /> \?\nType one of these, then Enter:\na number or an id: opens that device\n/);
    assert.match(output, /DE1> \?\nType one of these, then Enter:\na number: sends that command/);
    assert.match(output, /DE1> 0\n1 device\n/);
    assert.equal(output.match(/Type a number to send a command/g)?.length, 1);
  });

  it('searches, filters and turns pages', async () => {
    for (let index = 10; index < 50; index++)
      hub.add(`van-${index}`, { status: index % 2 === 0 ? 'online' : 'offline' });
    const output = await run(['n', 'p', '/van-4', '/', 'f', 'f']);
    const headings = output.split('\n').filter((line) => /^\d+(–\d+ of \d+| devices?)$/.test(line));
    assert.deepEqual(headings, [
      '1–20 of 40',
      '21–40 of 40',
      '1–20 of 40',
      '10 devices',
      '1–20 of 40',
      '20 devices',
      '20 devices',
    ]);
  });

  it('forgets an offline device when it is told yes', async () => {
    hub.add('old', { status: 'offline' });
    const output = await run(['old', 'x', 'no', 'x', 'yes']);
    assert.match(output, /Forget old\? Type yes: no\n/);
    assert.match(output, /old is forgotten\.\n\nNo device has connected yet\./);
  });

  it('asks again for an address that leads nowhere', async () => {
    const url = hub.url;
    await hub.stop();
    const output = await run(['', 'two words', '', 'q', 'never'], { args: [url], end: 1 });
    assert.equal(output.match(/Nothing listens at/g)?.length, 3);
    assert.match(
      output,
      /Address of the hub \(empty: try http:.* again; q quit\): two words\nThat is no address\./,
    );
    assert.match(output, /q quit\): q\n$/);
  });

  it('says of a list that the hub did not answer nothing of sending again', async () => {
    hub.add('old', {});
    const program = rig.start({ args: [hub.url, '--plain'] });
    await program.waitFor(/1\. +old/);
    await hub.stop();
    program.type('r\r');
    await program.waitFor(/The hub cannot be reached/);
    await program.waitFor(/Address of the hub/);
    assert.doesNotMatch(program.text, /Safe to send/);
  });

  it('asks for a token without repeating it', async () => {
    rig.addSensor();
    hub.token = 'open-sesame';
    const output = await run(['wrong', 'open-sesame', '1']);
    assert.match(output, /wants a token/);
    assert.match(output, /The hub does not accept this token/);
    assert.match(output, /\nDE1, Sensor/);
    assert.doesNotMatch(output, /open-sesame/);
    assert.match(await run(['1'], { env: { RECADO_TOKEN: 'open-sesame' } }), /\nDE1, Sensor/);
    await run(['wrong'], { end: 1 });
  });

  it('takes the address from the environment, and speaks Portuguese', async () => {
    rig.addSensor();
    const output = await run(['1', '1', 'q'], { args: ['--lang', 'pt-BR'], env: { RECADO_URL: hub.url } });
    assert.match(output, /^Conectado a /);
    assert.match(output, /\n1 dispositivo\n1\. {2}DE1 {2}Sensor de temperatura {2}online há 5 min\n/);
    assert.match(output, /Respondido em \d+ ms:\n {2}Dispositivo ligado\n/);
  });

  it('writes nothing of a hostile device but text', async () => {
    hub.add('evil', {
      title: '\u001b]0;owned\u0007Evil\u001b[2J\n2.  forged',
      readings: [{ metric: 'Commands', value: '\u009b31mred\nforged: reading' }],
      commands: [
        {
          name: 'do',
          title: 'Do\r\u001b[A',
          run: () => ({ output: 'one\u001b]52;c;aGk=\u0007\ntwo\u0008\nInvocation: mine' }),
        },
      ],
    });
    const output = await run(['evil', '1']);
    assert.match(output, /\nevil, Evil 2\. {2}forged: online/);
    assert.match(output, /\n {2}one\n {2}two\n {2}Invocation: mine\nReached: /);
    assert.doesNotMatch(output, /^forged|^2\. {2}forged|^Invocation: mine|^Commands: red/m);
  });

  it('--plain on a terminal moves no cursor', async () => {
    rig.addSensor();
    const program = rig.start({ args: [hub.url, '--plain'] });
    await program.waitFor('Type a number or an id');
    program.type('1\r');
    await program.waitFor('DE1> ');
    program.type('q\r');
    assert.equal(await program.exit(), 0);
    assert.ok(!program.output.includes('\u001b'));
  });

  it('a wrong command line is told before anything is asked', async () => {
    for (const [args, message] of [
      [['ftp://hub'], /"ftp:\/\/hub" is no address of a hub; write host, host:port or a URL/],
      [['--token', 'two words'], /token: has characters that cannot be sent/],
      [['--lang', 'fr'], /--lang is "fr"; there are en and pt-BR/],
    ] as const) {
      const { code, errors } = await manage(args, []);
      assert.equal(code, 2);
      assert.match(errors, message);
    }
  });
});
