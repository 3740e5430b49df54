import { Command, InvalidArgumentError, Option } from 'commander';
import { escapeLine } from '../../base/printable-text.ts';
import { formatHostPort } from '../../base/address.ts';
import { isDeviceId } from '../../devices/description.ts';
import type { Fleet } from '../../simulators/fleet.ts';
import type { Radio } from '../../simulators/radio.ts';
import type { Sensor } from '../../simulators/sensor.ts';
import type { SimulatorChoice } from '../../simulators/create-simulator.ts';
import { detectLanguage, type Language } from '../../terminal/language.ts';
import { stopSignal } from '../stop-signal.ts';
import { readFlagFile } from '../mqtt/tls-flags.ts';
import { wholeNumber } from '../whole-number.ts';

/** So many devices in one process are still cheap; more belong on several machines. */
const MAX_COUNT = 20_000;
/** A fleet tells its state at most this often. */
const SUMMARY_PERIOD_MS = 1000;

type SimulateOptions = {
  readonly host: string;
  readonly port: number;
  readonly udpPort: number;
  readonly protocol: '1' | '2';
  readonly mqtt?: string | true;
  readonly id?: string;
  readonly title?: string;
  readonly token?: string;
  readonly tls?: true;
  readonly cafile?: string;
  readonly headless?: true;
  readonly menu?: true;
  readonly count?: number;
  readonly on?: true;
  readonly lang?: Language;
  /** The sensor's own. */
  readonly temperature?: number;
  readonly wave?: true;
};

const WITHOUT_TERMINAL = `
Without a terminal it runs as with --headless, unless --menu is given.

Examples:
`;

const EXAMPLES = `${WITHOUT_TERMINAL}  recado simulate sensor                            a menu: 1 connects it
  recado simulate radio --lang pt-BR
  recado simulate sensor --headless --on --wave     no menu, connected at once
  recado simulate sensor --count 1000 --on --wave   a thousand of them, without a menu
  recado simulate radio --protocol 2 --id kitchen   the framed protocol, with an id of its own
  recado simulate sensor --mqtt --on --wave         over MQTT, by the broker of a hub on this machine`;

const SENSOR_EXAMPLES = `${WITHOUT_TERMINAL}  recado simulate sensor
  recado simulate sensor --host 192.168.0.10 --temperature 21 --on
  recado simulate sensor --headless --on --wave
  recado simulate sensor --count 1000 --on --wave

It reports its temperature every 0.8 s while it is connected, once it has one.`;

const RADIO_EXAMPLES = `${WITHOUT_TERMINAL}  recado simulate radio
  recado simulate radio --headless --on
  recado simulate radio --protocol 2 --id kitchen            its token: RECADO_DEVICE_TOKEN`;

/** `recado simulate sensor` and `recado simulate radio`. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description('run virtual devices: a temperature sensor or an internet radio')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES)
    .addCommand(sensorCommand())
    .addCommand(radioCommand());
}

function sensorCommand(): Command {
  return deviceCommand('sensor', 'a virtual temperature sensor')
    .option(
      '--temperature <number>',
      'start with this temperature in °C, a whole number from -49 to 299',
      wholeNumber(-49, 299),
    )
    .option('--wave', 'let the temperature move slowly by itself')
    .addHelpText('after', SENSOR_EXAMPLES)
    .action((options: SimulateOptions, command: Command) => runSimulator('sensor', options, command));
}

function radioCommand(): Command {
  return deviceCommand('radio', 'a virtual internet radio')
    .addHelpText('after', RADIO_EXAMPLES)
    .action((options: SimulateOptions, command: Command) => runSimulator('radio', options, command));
}

function deviceCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--host <host>', 'address of the hub', '127.0.0.1')
    .option('--port <number>', 'TCP port of the hub for devices', wholeNumber(1, 65_535), 5050)
    .option('--udp-port <number>', 'UDP port of the hub for readings', wholeNumber(1, 65_535), 5060)
    .addOption(
      new Option('--protocol <version>', '1: plain, as existing hubs speak; 2: framed')
        .choices(['1', '2'])
        .default('1'),
    )
    .addOption(
      new Option(
        '--mqtt [url]',
        'come over MQTT, by this broker (default: RECADO_BROKER, or mqtt://127.0.0.1)',
      )
        .implies({ protocol: '2' })
        .conflicts(['host', 'port', 'udpPort']),
    )
    .option('--id <id>', 'id at the hub, protocol 2 or MQTT (default: one with a random end)', readId)
    .option('--title <text>', 'what it is called instead of its usual title')
    .addOption(
      new Option('--token <token>', 'token of the device, protocol 2 or MQTT').env('RECADO_DEVICE_TOKEN'),
    )
    .option('--tls', 'connect with TLS, to the port of the hub for that')
    .option('--cafile <file>', 'connect with TLS, and trust these certificates (PEM)')
    .option('--headless', 'no menu: connect at once, and print a line for each change')
    .option('--menu', 'the menu also without a terminal: lines in, lines out')
    .option(
      '--count <number>',
      `run so many in one process, without a menu (at most ${MAX_COUNT})`,
      wholeNumber(1, MAX_COUNT),
    )
    .option('--on', 'turned on from the start')
    .addOption(
      new Option(
        '--lang <language>',
        'language of the menu, and of the device in protocol 2 (default: from LANG)',
      ).choices(['en', 'pt-BR']),
    )
    .helpOption('-h, --help', 'print help');
}

async function runSimulator(
  kind: 'sensor' | 'radio',
  options: SimulateOptions,
  command: Command,
): Promise<void> {
  const isTokenSaid = command.getOptionValueSource('token') === 'cli';
  if (options.protocol === '1' && (options.id !== undefined || isTokenSaid)) {
    command.error('error: --id and --token need --protocol 2: in protocol 1 the hub gives the id');
  }
  refuseContradictions(options, command);
  const stopped = stopSignal();
  const choice = choiceOf(kind, options, command);
  const { count = 1 } = options;
  if (count > 1) return runFleet({ ...choice, count }, stopped);
  const { createSimulator } = await import('../../simulators/create-simulator.ts');
  const device = createSimulator(choice);
  const hasMenu = options.menu === true || (options.headless !== true && process.stdin.isTTY);
  if (hasMenu) await runMenu(device, options, stopped);
  else await runHeadless(device, stopped);
  await device.disconnect();
}

function refuseContradictions({ headless, menu, count = 1 }: SimulateOptions, command: Command): void {
  if (menu !== true) return;
  if (headless === true)
    command.error('error: --headless runs without a menu: leave out --headless or --menu');
  if (count > 1) command.error('error: --count runs devices without a menu: leave out --count or --menu');
}

function choiceOf(kind: 'sensor' | 'radio', options: SimulateOptions, command: Command): SimulatorChoice {
  const { host, port, udpPort, protocol, id, title, token, tls, cafile, on, temperature, wave } = options;
  return {
    kind,
    language: languageOf(options),
    hub: brokerOf(options) ?? formatHostPort(host, port),
    udpPort,
    protocol: protocol === '2' ? 2 : 1,
    ...(id !== undefined && { id }),
    ...(title !== undefined && { title }),
    ...(token !== undefined && { token }),
    ...((tls === true || cafile !== undefined) && {
      tls: { ...(cafile !== undefined && { ca: readFlagFile('--cafile', cafile, command) }) },
    }),
    isOn: on === true,
    temperature,
    isWave: wave === true,
  };
}

/** Undefined for a device that comes over a socket. */
function brokerOf({ mqtt }: SimulateOptions): string | undefined {
  if (mqtt === undefined || typeof mqtt === 'string') return mqtt;
  return process.env['RECADO_BROKER'] || 'mqtt://127.0.0.1';
}

function languageOf({ lang }: SimulateOptions): Language {
  return lang ?? detectLanguage(process.env);
}

async function runMenu(
  device: Sensor | Radio,
  options: SimulateOptions,
  stopped: Promise<unknown>,
): Promise<void> {
  const { runSimulateMenu } = await import('../../terminal/simulate/run-simulate-menu.ts');
  const language = languageOf(options);
  await runSimulateMenu(device, { language, stopped, stdin: process.stdin, stdout: process.stdout });
}

async function runHeadless(device: Sensor | Radio, stopped: Promise<unknown>): Promise<void> {
  let last = '';
  const tell = (): void => {
    const line = describeDevice(device);
    if (line !== last) print(line);
    last = line;
  };
  device.watch(tell);
  device.connect();
  await stopped;
}

/** All that a line tells of: not the temperature, which may move all the time. */
function describeDevice(device: Sensor | Radio): string {
  const { status, message } = device.state;
  const power = device.isOn ? 'on' : 'off';
  const song = device.kind === 'radio' && device.song !== undefined ? describeSong(device, device.song) : '';
  const name = device.id === undefined ? device.kind : `${device.kind} ${device.id}`;
  return `${name}: ${status}, ${power}${song}. ${message}`;
}

function describeSong({ isPlaying }: Radio, song: string): string {
  return `, ${isPlaying ? 'playing' : 'paused'} ${JSON.stringify(song)}`;
}

async function runFleet(
  options: SimulatorChoice & { readonly count: number },
  stopped: Promise<unknown>,
): Promise<void> {
  const { Fleet } = await import('../../simulators/fleet.ts');
  const fleet = new Fleet(options);
  tellChanges(fleet, options.kind);
  fleet.connect();
  await stopped;
  await fleet.disconnect();
}

/** Prints the summary when it has changed, at most once a second. */
function tellChanges(fleet: Fleet, kind: string): void {
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    timer = undefined;
    const { count, online, connecting, waiting, offline, lastTrouble } = fleet.summary;
    const states = `${online} online, ${connecting} connecting, ${waiting} waiting, ${offline} offline`;
    print(`${count} ${kind}s: ${states}${lastTrouble === '' ? '' : `. ${lastTrouble}`}`);
  };
  fleet.watch(() => (timer ??= setTimeout(tell, SUMMARY_PERIOD_MS)));
}

function print(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${escapeLine(line)}\n`);
}

function readId(text: string): string {
  if (isDeviceId(text)) return text;
  throw new InvalidArgumentError('It must have 1 to 64 letters, digits or . _ - :');
}
