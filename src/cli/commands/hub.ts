import { Command } from 'commander';
import { RecadoError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { RunningServer } from '../../api/start-server.ts';
import type { ConfigFlag } from '../../config/load-config.ts';
import type { Config } from '../../hub/config/config-schema.ts';
import { findClosedDoors } from '../../hub/config/risky-defaults.ts';
import { folderBytes } from '../../store/data-folder.ts';
import { findCollector } from '../../base/find-collector.ts';
import { setOptimization } from '../optimization.ts';
import { stopInOrder, stopSignal } from '../stop-signal.ts';
import { welcomeText } from '../welcome-text.ts';
import { boundYoungGeneration, SERVER_YOUNG_BYTES } from '../young-generation.ts';

/** What the parts may take longer than `shutdownTimeoutMs` before the process ends all the same. */
const STOP_GRACE_MS = 1000;
/** What is read while the hub starts runs often where there is so much of it. */
const MUCH_DATA_BYTES = 1_048_576;

const EXAMPLES = `
Examples:
  recado hub                                   on this machine only, with the usual ports
  recado hub house.yaml                        with a configuration file
  recado hub --http-port 8080 --log-level warn
  RECADO_HTTP_PORT=8080 recado hub             every key has a variable: docs/config.md

Ctrl+C (or SIGTERM, or SIGHUP, as when its terminal is closed) stops the hub in order; a second one stops it at once.
Certificates, passwords and rules need no signal: their files are read anew when they change.`;

/** Which keys each flag sets. `--host` is for all listeners. */
const FLAG_KEYS: Readonly<Record<string, readonly string[]>> = {
  host: ['http.host', 'gateways.socket.host', 'gateways.socket.tls.host', 'mqtt.host', 'mqtt.tls.host'],
  httpPort: ['http.port'],
  tcpPort: ['gateways.socket.tcpPort'],
  udpPort: ['gateways.socket.udpPort'],
  mqttPort: ['mqtt.port'],
  dataDir: ['dataDir'],
  inMemory: ['inMemory'],
  insecure: ['insecure'],
  logLevel: ['log.level'],
};

type HubOptions = Readonly<Record<string, string | boolean | undefined>>;

/** `recado hub`. */
export function hubCommand(): Command {
  return new Command('hub')
    .description('start the hub: device ports, MQTT broker and HTTP API')
    .argument('[file]', 'configuration file (default: RECADO_CONFIG, else recado.yaml if it exists)')
    .option('-c, --config <file>', 'the same, as an option')
    .option('--host <host>', 'address that all ports listen on (default: 127.0.0.1)')
    .option('--http-port <number>', 'port of the HTTP API; 0 takes any (default: 5070)')
    .option('--tcp-port <number>', 'TCP port for devices; 0 takes any (default: 5050)')
    .option('--udp-port <number>', 'UDP port for their readings; 0 takes any (default: 5060)')
    .option('--mqtt-port <number>', 'port for MQTT; 0 takes any (default: 1883)')
    .option('--data-dir <folder>', 'where what lasts is kept (default: ./recado-data)')
    .option('--in-memory', 'write nothing: what the hub knows ends with it')
    .option('--insecure', 'start even where strangers could come in')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default: info)')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', EXAMPLES)
    .action(runHub);
}

async function runHub(argument: string | undefined, options: HubOptions): Promise<void> {
  const config = await readConfig(chooseFile(argument, options['config']), options);
  const { createHubLog } = await import('../hub-log.ts');
  const log = createHubLog(config.log);
  const { RECADO_BROKER: broker = '' } = process.env;
  if (broker !== '' && config.mqtt.external === '')
    log.info(
      {},
      'RECADO_BROKER is where clients connect; the hub itself goes by mqtt.external (RECADO_MQTT_EXTERNAL)',
    );

  const stopped = stopSignal();
  if (!config.inMemory && folderBytes(config.dataDir) >= MUCH_DATA_BYTES) setOptimization('on');
  const { startServer } = await import('../../api/start-server.ts');
  const server = await startServer(config, { log }).catch((error: unknown) => rethrow(error, config));
  // What the start leaves behind is given back now, while nobody waits.
  findCollector()?.({ type: 'major', flavor: 'last-resort' });
  server.hub.stores?.giveBackMemory();
  setOptimization('on');
  boundYoungGeneration(SERVER_YOUNG_BYTES);
  announce(server, log);
  for (const door of findClosedDoors(config)) log.warn({}, door);

  const signal = await stopped;
  await stopInOrder(signal, log, () => closeServer(server, config.shutdownTimeoutMs));
}

function chooseFile(argument: string | undefined, option: string | boolean | undefined): string | undefined {
  const named = typeof option === 'string' ? option : undefined;
  if (argument !== undefined && named !== undefined && argument !== named) {
    throw new RecadoError(
      'CONFIG_INVALID',
      `two configuration files are named, ${argument} and --config ${named}; keep one of them`,
    );
  }
  return argument ?? named;
}

/** One taken port stops the start; the person should hear of all of them at once, and of a hub that has them. */
async function rethrow(error: unknown, config: Config): Promise<never> {
  if (!(error instanceof RecadoError) || error.code !== 'PORT_IN_USE') throw error;
  const { describeTakenPorts } = await import('../taken-ports.ts');
  const lines = await describeTakenPorts(config);
  if (lines.length === 0) throw error;
  throw new RecadoError('PORT_IN_USE', lines.join('\n  '), { cause: error });
}

async function readConfig(file: string | undefined, options: HubOptions): Promise<Config> {
  const [{ loadConfigOrThrow }, { HUB_CONFIG }] = await Promise.all([
    import('../../config/load-config.ts'),
    import('../../hub/config/hub-config.ts'),
  ]);
  const sources = { environment: process.env, folder: process.cwd(), file, flags: configFlags(options) };
  return loadConfigOrThrow(HUB_CONFIG, sources, 'the hub');
}

function configFlags(options: HubOptions): ConfigFlag[] {
  return Object.entries(FLAG_KEYS).flatMap(([name, paths]) => {
    const value = options[name];
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === undefined ? [] : paths.map((path) => ({ flag, path, text: String(value) }));
  });
}

function announce({ listening, hub }: RunningServer, log: Logger): void {
  const folder = hub.stores && placeOf(hub.stores);
  // A program that started the hub with a channel learns from here where everything is.
  process.send?.({ ready: true, listening, folder });
  if (process.stdout.isTTY) {
    process.stdout.write(welcomeText(listening, folder));
    return;
  }
  for (const { name, address } of listening) log.info({ name, address }, `${name} listens on ${address}`);
  const fields = { folder: hub.stores?.folder.path };
  log.info(fields, folder === undefined ? 'nothing is kept on disk' : `data is kept in ${folder}`);
  log.info({}, 'the hub is ready');
}

/** The data folder, and what keeps the hub from it. */
function placeOf({ folder, health }: NonNullable<RunningServer['hub']['stores']>): string {
  const fault = health.find(({ state }) => state !== 'ready');
  return fault === undefined ? folder.path : `${folder.path}, but not now: ${fault.advice}`;
}

async function closeServer(server: RunningServer, timeoutMs: number): Promise<boolean> {
  const guard = setTimeout(() => process.exit(1), timeoutMs + STOP_GRACE_MS);
  try {
    return await server.close();
  } finally {
    clearTimeout(guard);
  }
}
