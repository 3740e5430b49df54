import type { Command } from 'commander';
import { startGateway } from '../../api/start-gateway.ts';
import { connectBus } from '../../bus/client-bus.ts';
import { BRIDGE_SERVER_CONFIG } from '../../bridge/server-config.ts';
import { loadConfigOrThrow, type ConfigFlag } from '../../config/load-config.ts';
import { createHubLog } from '../hub-log.ts';
import { stopSignal } from '../stop-signal.ts';
import { readBrokerTarget, type BrokerFlags } from '../mqtt/broker-flags.ts';
import { LineWriter } from './line-writer.ts';
import { tellBroker } from './tell-broker.ts';

export type GatewayFlags = BrokerFlags & {
  readonly config?: string;
  readonly host?: string;
  readonly httpPort?: number;
  readonly quiet?: true;
};

/** The file that is read when nobody names one. */
const DEFAULT_FILE = 'gateway.yaml';
/** Callers wait for the broker's return: it is looked for often. */
const RECONNECT_MAX_MS = 2000;

/** Serves until a signal. */
export async function runGateway(flags: GatewayFlags, command: Command): Promise<void> {
  const sources = {
    file: flags.config ?? DEFAULT_FILE,
    folder: process.cwd(),
    environment: flags.broker === undefined ? process.env : {},
    flags: configFlags(flags),
  };
  const config = loadConfigOrThrow(BRIDGE_SERVER_CONFIG, sources, 'the gateway');
  const { url, options } = readBrokerTarget(flags, config.broker, command);
  const log = createHubLog({ level: 'info', format: 'auto' });
  const lines = new LineWriter(process.stdout);
  const stopped = stopSignal();

  const bus = await connectBus(url, {
    ...options,
    clientId: `recado-gateway-${process.pid}`,
    waitsForConnection: false,
    reconnectMaxMs: RECONNECT_MAX_MS,
    log,
  });
  tellBroker(bus, log);
  const print = flags.quiet === true ? undefined : lines.print;
  try {
    const gateway = await startGateway(config, { bus, log, print });
    // A program that started the gateway with a channel learns the port from here.
    process.send?.({ ready: true, listening: [{ name: 'http', address: gateway.url }] });
    log.info({ address: gateway.url }, `the gateway listens on ${gateway.url}`);
    const signal = await stopped;
    log.info({ signal }, 'stopping');
    const inTime = await gateway.close();
    await bus.close();
    lines.flush();
    log.info({}, inTime ? 'stopped' : 'stopped, but not everything closed in time');
    process.exit(inTime ? 0 : 1);
  } finally {
    await bus.close();
  }
}

function configFlags({ host, httpPort }: GatewayFlags): ConfigFlag[] {
  return [
    ...(host === undefined ? [] : [{ flag: '--host', path: 'http.host', text: host }]),
    ...(httpPort === undefined ? [] : [{ flag: '--http-port', path: 'http.port', text: String(httpPort) }]),
  ];
}
