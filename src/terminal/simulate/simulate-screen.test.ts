import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Screen, View } from '../screen.ts';
import { SimulateScreen } from './simulate-screen.ts';
import type { ConnectionState, SimulatedRadio, SimulatedSensor } from './simulated-device.ts';

const OFFLINE: ConnectionState = { status: 'offline', reason: 'not-started', message: '', retryInMs: 0 };
const ONLINE: ConnectionState = { status: 'online', reason: 'accepted', message: '', retryInMs: 0 };

/** Plays a list of what a person types, and keeps what was shown. */
class FakeScreen implements Screen {
  readonly views: View[] = [];
  readonly questions: string[] = [];
  readonly #typed: (string | undefined | (() => void))[];

  constructor(typed: (string | undefined | (() => void))[]) {
    this.#typed = typed;
  }

  show(view: View): void {
    this.views.push(view);
  }

  async choose(): Promise<string | undefined> {
    for (;;) {
      const next = this.#typed.shift();
      if (typeof next !== 'function') return next;
      next();
    }
  }

  async ask(question: string): Promise<string | undefined> {
    this.questions.push(question);
    const next = this.#typed.shift();
    return typeof next === 'function' ? undefined : next;
  }

  close(): void {}

  get message(): string {
    return this.views.at(-1)?.message.lines.join('\n') ?? '';
  }

  get status(): string {
    return this.views.at(-1)?.status.map(({ text }) => text).join('\n') ?? '';
  }
}

class FakeDevice {
  id: string | undefined = undefined;
  state = OFFLINE;
  server = '127.0.0.1:5050';
  isOn = false;
  readonly connects: (string | undefined)[] = [];
  #watcher = (): void => {};

  change(state: Partial<ConnectionState>): void {
    this.state = { ...this.state, ...state };
    this.#watcher();
  }

  connect(address?: string): boolean {
    this.connects.push(address);
    if (address === '!') return false;
    this.server = address ?? this.server;
    this.change({ status: 'connecting', reason: 'starting' });
    return true;
  }

  async disconnect(): Promise<void> {
    this.change(OFFLINE);
  }

  watch(watcher: () => void): () => void {
    this.#watcher = watcher;
    return () => {
      this.#watcher = () => {};
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
}

class FakeSensor extends FakeDevice implements SimulatedSensor {
  readonly kind = 'sensor';
  temperature: number | undefined = undefined;

  setTemperature(value: number): boolean {
    if (!(value >= -49 && value <= 299)) return false;
    this.temperature = value;
    return true;
  }
}

class FakeRadio extends FakeDevice implements SimulatedRadio {
  readonly kind = 'radio';
  song: string | undefined = undefined;
  isPlaying = false;

  setSong(song: string): boolean {
    if (song === '') return false;
    this.song = song;
    return true;
  }

  play(): 'playing' | 'no-song' {
    if (this.song === undefined) return 'no-song';
    this.isPlaying = true;
    return 'playing';
  }

  pause(): 'paused' {
    this.isPlaying = false;
    return 'paused';
  }
}

async function play(device: SimulatedSensor | SimulatedRadio, typed: (string | undefined | (() => void))[]) {
  const screen = new FakeScreen(typed);
  await new SimulateScreen(device, screen, 'en').run();
  return screen;
}

test('the menus have the numbers of the seed', async () => {
  const labels = (screen: FakeScreen): string[] => screen.views[0]?.choices.map(({ key, label }) => `${key} ${label}`) ?? [];
  const common = ['1 Connect to a server', '2 Disconnect', '3 Turn on', '4 Turn off', '5 Show data'];
  assert.deepEqual(labels(await play(new FakeSensor(), [])), [...common, '6 Set the temperature', '0 Quit']);
  const radio = ['6 Set the song', '7 Play', '8 Pause', '0 Quit'];
  assert.deepEqual(labels(await play(new FakeRadio(), [])), [...common, ...radio]);
});

test('connecting asks for the address, tells the outcome, and shows each state as it comes', async () => {
  const device = new FakeSensor();
  const seen: string[] = [];
  const screen: FakeScreen = await play(device, [
    '1',
    '10.0.0.7',
    () => seen.push(screenOf().status, screenOf().message),
    () => {
      device.id = 'DE7';
      device.change(ONLINE);
      seen.push(screenOf().status, screenOf().message);
    },
    '1',
    () => seen.push(screenOf().message),
    () => {
      device.change({ status: 'waiting', reason: 'hub-not-listening', retryInMs: 2000 });
      seen.push(screenOf().status, screenOf().message);
    },
    '2',
    '0',
  ].map((item) => (typeof item === 'function' ? () => void item() : item)));
  function screenOf(): FakeScreen {
    return current as FakeScreen;
  }
  assert.deepEqual(device.connects, ['10.0.0.7']);
  assert.deepEqual(screen.questions, ['Server, host or host:port (Enter: 127.0.0.1:5050):']);
  assert.deepEqual(seen, []);
});
