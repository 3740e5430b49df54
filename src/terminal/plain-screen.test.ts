import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { PlainScreen } from './plain-screen.ts';
import type { View } from './screen.ts';

function viewOf(status: string, message = ''): View {
  return {
    title: 'Sensor',
    status: [{ text: status, tone: 'plain' }],
    choices: [{ key: '1', label: 'Connect' }],
    message: { lines: message === '' ? [] : [message], tone: 'plain' },
    prompt: 'Type:',
  };
}

function open() {
  const input = new PassThrough();
  const output = new PassThrough();
  let printed = '';
  output.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const take = (): string => {
    const text = printed;
    printed = '';
    return text;
  };
  return { input, screen: new PlainScreen(input, output), take };
}

test('prints the menu once, and then only what changed', () => {
  const { screen, take } = open();
  screen.show(viewOf('offline', 'Welcome.'));
  assert.equal(take(), 'Sensor\n  1  Connect\noffline\nWelcome.\n');
  screen.show(viewOf('offline', 'Welcome.'));
  assert.equal(take(), '');
  screen.show(viewOf('on\x1bline', 'Welcome.'));
  assert.equal(take(), 'on line\n');
  screen.show(viewOf('on\x1bline'));
  screen.show(viewOf('on\x1bline', 'Welcome.'));
  assert.equal(take(), 'Welcome.\n');
  screen.close();
});

test('lines are choices and answers, in order; an empty one prints the menu; the end ends', async () => {
  const { input, screen, take } = open();
  screen.show(viewOf('offline'));
  take();
  input.write(' 1 \nmy song\n\n2\n3');
  assert.equal(await screen.choose(), '1');
  assert.equal(await screen.ask('Song:'), 'my song');
  assert.equal(take(), 'Song:\n');
  assert.equal(await screen.choose(), '2');
  assert.equal(take(), 'Sensor\n  1  Connect\n');
  const last = screen.choose();
  input.end();
  assert.equal(await last, '3');
  assert.equal(await screen.choose(), undefined);
  assert.equal(await screen.ask('Song:'), undefined);
});

test('closing ends a wait', async () => {
  const { screen } = open();
  const choice = screen.choose();
  screen.close();
  assert.equal(await choice, undefined);
});
