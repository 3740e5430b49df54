import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { createSay } from '../messages.ts';
import type { Key } from '../ui/key-reader.ts';
import { PageStack } from '../ui/page-stack.ts';
import { layOut } from '../ui/rows.ts';
import { SimulatePage } from './simulate-page.ts';
import type { SimulatedConnectionState, SimulatedRadio } from './simulated-device.ts';

class FakeRadio implements SimulatedRadio {
  readonly kind = 'radio';
  id: string | undefined = undefined;
  state: SimulatedConnectionState = { status: 'offline', reason: 'not-started', message: '', retryInMs: 0 };
  server = '127.0.0.1:5050';
  isOn = false;
  song: string | undefined = undefined;
  isPlaying = false;
  watcher: (() => void) | undefined;

  change(state: Partial<SimulatedConnectionState>): void {
    this.state = { ...this.state, ...state };
    this.watcher?.();
  }

  connect(address?: string): boolean {
    if (address === '!') return false;
    this.server = address ?? this.server;
    this.change({ status: 'connecting', reason: 'starting' });
    return true;
  }

  async disconnect(): Promise<void> {
    this.change({ status: 'offline', reason: 'stopped' });
  }

  watch(watcher: () => void): () => void {
    this.watcher = watcher;
    return () => {
      this.watcher = undefined;
    };
  }

  turnOn(): 'turned-on' | 'already-on' {
    const result = this.isOn ? 'already-on' : 'turned-on';
    this.isOn = true;
    return result;
  }

  turnOff(): 'turned-off' {
    this.isOn = false;
    return 'turned-off';
  }

  setSong(song: string): boolean {
    this.song = song;
    return song !== '';
  }

  play(): 'playing' {
    this.isPlaying = true;
    return 'playing';
  }

  pause(): 'paused' {
    this.isPlaying = false;
    return 'paused';
  }
}

/** A radio on a screen of 24 rows, or of fewer. */
function open(): {
  radio: FakeRadio;
  stack: PageStack;
  see: (rows?: number) => string;
  type: (...keys: readonly string[]) => Promise<void>;
} {
  const radio = new FakeRadio();
  const stack = new PageStack({ clock: systemClock, isLive: true });
  stack.open(new SimulatePage(stack, radio, createSay('en')));
  const see = (rows = 24): string =>
    stack
      .draw({ columns: 80, rows })
      .map((row) =>
        layOut(row, 80)
          .map(({ text, tone }) => (tone === 'dim' ? `(${text})` : text))
          .join('')
          .trimEnd(),
      )
      .join('\n');
  const type = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) {
      const named = key.length > 1 && !key.includes('.');
      const pressed = named ? { name: key as Key['name'], text: '' } : { name: 'text' as const, text: key };
      stack.onKey(pressed);
      await Promise.resolve();
    }
  };
  return { radio, stack, see, type };
}

test('connecting asks for the address, and tells each state as it comes, once what came of it', async () => {
  const { radio, see, type } = open();
  assert.match(see(), /\nNot connected\nOff\n[^]*Choose 1 to connect/);
  await type('1');
  assert.match(see(), /\nServer, host or host:port \(Enter: 127\.0\.0\.1:5050\):$/m);
  await type('10.0.0.7', 'enter');
  assert.match(see(), /\nConnecting: 10\.0\.0\.7\nOff\n[^]*\nConnecting to 10\.0\.0\.7…\n/);
  radio.change({ status: 'waiting', reason: 'hub-not-listening', retryInMs: 2000 });
  assert.match(see(), /\nWaiting: 10\.0\.0\.7, next try in 2\.0 s\nNothing listens there/);
  assert.match(see(), /0 {2}Quit\n\nNothing listens there/, 'it is what came of asking');
  radio.id = 'DE7';
  radio.change({ status: 'online', reason: 'accepted' });
  assert.match(see(), /\nConnected: DE7 at 10\.0\.0\.7\nOff\n/);
  assert.match(see(), /0 {2}Quit\n\nNothing listens there/, 'nobody asked again');
  await type('1');
  assert.match(see(), /\nAlready connected to 10\.0\.0\.7\. Disconnect first\.\n/);
  radio.change({ status: 'waiting', reason: 'refused', message: 'No such token. (X)', retryInMs: 30_000 });
  assert.match(see(), /next try in 30 s\nThe server refuses this device: No such token\. \(X\)\n/);
  await type('5');
  assert.match(see(), /\nLast ID: DE7\nStatus: Off\nSong: -----\nSong status: -----\nServer: 10\.0\.0\.7/);
});

test('what would change nothing now is dimmed', async () => {
  const { radio, see, type } = open();
  const dimmed = (): string => [...see().matchAll(/^\( +(\d)/gm)].map(([, key]) => key).join('');
  assert.equal(dimmed(), '2478');
  radio.change({ status: 'online', reason: 'accepted' });
  await type('3', '6', 'Á', 'enter');
  assert.equal(dimmed(), '138');
  await type('7');
  assert.equal(dimmed(), '137');
});

test('a wrong address and a question given up change nothing; at the end it watches no more', async () => {
  const { radio, stack, see, type } = open();
  await type('1', '!', 'enter');
  assert.match(see(), /\n"!" is no address\. Write host or host:port/);
  await type('1', 'escape');
  assert.match(see(), /\nNothing was changed\.\n/);
  stack.quit();
  assert.equal(radio.watcher, undefined);
});

test('a small screen keeps the state, the menu and the prompt', () => {
  const { see } = open();
  assert.doesNotMatch(see(13), /\n\n/);
  assert.match(see(7), /^Not connected\nOff\n1 Connect to a server {3}2 Disconnect[^]*\nPress a number:$/);
  assert.equal(see(1), 'Press a number:');
});
