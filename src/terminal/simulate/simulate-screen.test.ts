import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Screen, View } from '../screen.ts';
import { SimulateScreen } from './simulate-screen.ts';
import type { ConnectionState, SimulatedRadio, SimulatedSensor } from './simulated-device.ts';

const OFFLINE: ConnectionState = { status: 'offline', reason: 'not-started', message: '', retryInMs: 0 };
const ONLINE: ConnectionState = { status: 'online', reason: 'accepted', message: '', retryInMs: 0 };

/** What a person types, and what the test looks at before the next key. */
type Step = string | undefined | ((screen: FakeScreen) => void);

/** Plays a list of steps, and keeps what was shown. */
class FakeScreen implements Screen {
  readonly views: View[] = [];
  readonly questions: string[] = [];
  readonly #steps: Step[];

  constructor(steps: Step[]) {
    this.#steps = steps;
  }

  show(view: View): void {
    this.views.push(view);
  }

  async choose(): Promise<string | undefined> {
    for (;;) {
      const step = this.#steps.shift();
      if (typeof step !== 'function') return step;
      step(this);
    }
  }

  ask(question: string): Promise<string | undefined> {
    this.questions.push(question);
    return this.choose();
  }

  close(): void {}

  get message(): string {
    return this.views.at(-1)?.message.lines.join('\n') ?? '';
  }

  get status(): string {
    return (
      this.views
        .at(-1)
        ?.status.map(({ text }) => text)
        .join('\n') ?? ''
    );
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

async function play(device: SimulatedSensor | SimulatedRadio, steps: Step[]): Promise<FakeScreen> {
  const screen = new FakeScreen(steps);
  await new SimulateScreen(device, screen, 'en').run();
  return screen;
}

/** A step that checks the message at the bottom. */
function says(expected: string): (screen: FakeScreen) => void {
  return ({ message }) => assert.equal(message, expected);
}

/** A step that checks the rows above the menu. */
function shows(...expected: string[]): (screen: FakeScreen) => void {
  return ({ status }) => assert.equal(status, expected.join('\n'));
}

test('the menus have the numbers of the seed', async () => {
  const labels = ({ views }: FakeScreen): string[] | undefined =>
    views[0]?.choices.map(({ key, label }) => `${key} ${label}`);
  const common = ['1 Connect to a server', '2 Disconnect', '3 Turn on', '4 Turn off', '5 Show data'];
  assert.deepEqual(labels(await play(new FakeSensor(), [])), [...common, '6 Set the temperature', '0 Quit']);
  const radio = ['6 Set the song', '7 Play', '8 Pause', '0 Quit'];
  assert.deepEqual(labels(await play(new FakeRadio(), [])), [...common, ...radio]);
});

test('connecting asks for the address, tells the outcome, and shows each state as it comes', async () => {
  const device = new FakeSensor();
  const screen = await play(device, [
    shows('Not connected', 'Off'),
    '2',
    says('No server is connected.'),
    '1',
    '10.0.0.7',
    shows('Connecting: 10.0.0.7', 'Off'),
    says('Connecting to 10.0.0.7…'),
    () => device.change({ status: 'waiting', reason: 'hub-not-listening', retryInMs: 2000 }),
    shows('Waiting: 10.0.0.7, next try in 2.0 s', 'Nothing listens there: is the server running?', 'Off'),
    says('Nothing listens there: is the server running?'),
    '1',
    '',
    () => {
      device.id = 'DE7';
      device.change(ONLINE);
    },
    shows('Connected: DE7 at 10.0.0.7', 'Off'),
    says('Connected to 10.0.0.7, as DE7.'),
    '1',
    says('Already connected to 10.0.0.7. Disconnect first.'),
    () =>
      device.change({
        status: 'waiting',
        reason: 'refused',
        message: 'No such token. (X)',
        retryInMs: 30_000,
      }),
    shows('Waiting: 10.0.0.7, next try in 30 s', 'The server refuses this device: No such token. (X)', 'Off'),
    says('Already connected to 10.0.0.7. Disconnect first.'),
    '2',
    says('Disconnected.'),
    '0',
  ]);
  assert.deepEqual(device.connects, ['10.0.0.7', '10.0.0.7']);
  assert.equal(screen.questions[1], 'Server, host or host:port (Enter: 10.0.0.7):');
  const before = screen.views.length;
  device.change(ONLINE);
  assert.equal(screen.views.length, before, 'after the end it watches no more');
});

test('what would change nothing now is dimmed, and an id that is gone is the last one', async () => {
  const dimmed =
    (keys: string) =>
    ({ views }: FakeScreen): void => {
      const idle = views.at(-1)?.choices.filter(({ isIdle }) => isIdle === true);
      assert.equal(idle?.map(({ key }) => key).join(''), keys);
    };
  const radio = new FakeRadio();
  await play(radio, [
    dimmed('2478'),
    () => {
      radio.id = 'DE3';
      radio.change(ONLINE);
    },
    '3',
    '6',
    'Águas',
    dimmed('138'),
    '7',
    dimmed('137'),
    '2',
    '5',
    says('Last ID: DE3\nStatus: On\nSong: Águas\nSong status: Playing\nServer: -----'),
  ]);
});

test('a hub that hangs up without an id raises the question of its networks', async () => {
  const sensor = new FakeSensor();
  const message = 'The hub closed the connection without giving an id.';
  await play(sensor, [
    () => sensor.change({ status: 'waiting', reason: 'no-id', message, retryInMs: 2000 }),
    ({ status }) => assert.match(status, /is this machine in the hub's trustedNetworks\?/),
  ]);
});

test('a wrong address, a wrong key and a question given up change nothing', async () => {
  const device = new FakeSensor();
  await play(device, [
    '1',
    '!',
    says('"!" is no address. Write host or host:port, such as 192.168.0.10:5050.'),
    '1',
    undefined,
    says('Nothing was changed.'),
    '9',
    says('There is no such option: press one of the numbers of the menu.'),
  ]);
  assert.deepEqual(device.connects, ['!']);
});

test('the sensor takes whole temperatures in its range, and shows its data', async () => {
  const device = new FakeSensor();
  const invalid = 'That is no temperature of this sensor: it needs a whole number from -49 to 299.';
  await play(device, [
    ...['', 'x', '1.5', '-50', '300', '0x10', '1e2', '99999'].flatMap((text): Step[] => [
      '6',
      text,
      says(invalid),
    ]),
    '6',
    ' -49 ',
    says('The temperature is -49°C now.'),
    '5',
    says('ID: -----\nStatus: Off\nTemperature: -49°C\nServer: -----'),
    '3',
    says('The device is on now.'),
    shows('Not connected', 'On, -49°C'),
    '3',
    says('The device is on already.'),
    '4',
    says('The device is off now.'),
    () => {
      device.id = 'DE1';
      device.change(ONLINE);
    },
    '5',
    says('ID: DE1\nStatus: Off\nTemperature: -49°C\nServer: 127.0.0.1:5050 (Connected)'),
  ]);
});

test('the radio sets, plays and pauses its song, and shows its data', async () => {
  await play(new FakeRadio(), [
    '7',
    says('No song is set yet.'),
    '6',
    '',
    says('The name of the song is empty.'),
    '5',
    says('ID: -----\nStatus: Off\nSong: -----\nSong status: -----\nServer: -----'),
    '6',
    'Águas',
    says('The song is set.'),
    shows('Not connected', 'Off, Paused: Águas'),
    '7',
    says('The song is playing now.'),
    shows('Not connected', 'Off, Playing: Águas'),
    '8',
    says('The song is paused now.'),
    '5',
    says('ID: -----\nStatus: Off\nSong: Águas\nSong status: Paused\nServer: -----'),
  ]);
});
