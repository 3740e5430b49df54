import type { Command } from 'commander';
import { startBridgeServer } from '../api/start-bridge-server.ts';
import type { Logger } from '../base/logger.ts';
import { BridgeCaller } from '../bridge/bridge-caller.ts';
import { BRIDGE_CALLER_CONFIG } from '../bridge/caller-config.ts';
import { BRIDGE_SERVER_CONFIG } from '../bridge/server-config.ts';
import type { Bus } from '../bus/bus.ts';
import { connectBus } from '../bus/client-bus.ts';
import { logPresence } from '../bus/log-presence.ts';
import { loadConfigOrThrow, type ConfigSources } from '../config/load-config.ts';
import { BoundedOutput } from './bounded-output.ts';
import { createHubLog } from './hub-log.ts';
import { LineWriter } from './line-writer.ts';
import { readBrokerTarget, type BrokerFlags } from './mqtt/broker-flags.ts';
import { randomClientId } from './mqtt/random-client-id.ts';
import { stopInOrder, stopSignal } from './stop-signal.ts';

/** What both ends of a bridge may be told. */
export type BridgeFlags = BrokerFlags & { readonly config?: string; readonly quiet?: true };
export type GatewayFlags = BridgeFlags & { readonly host?: string; readonly httpPort?: number };

/** The file that is read when nobody names one. */
const DEFAULT_FILE = 'gateway.yaml';
/** Callers and questions wait for the broker's return: it is looked for often. */
const RECONNECT_MAX_MS = 2000;

type BridgeParts = {
  readonly bus: Bus;
  readonly log: Logger;
  readonly print: ((line: string) => void) | undefined;
};
type RunningEnd = {
  /** Settles when it serves, which it may do long after it began; rejects when it cannot. */
  readonly ready?: Promise<void>;
  /** False: not everything closed in time. The bus stays open. */
  stop(): Promise<unknown>;
};
type BridgeEnd = {
  readonly name: 'gateway' | 'agent';
  /** As its file says; `--broker` overrides it. */
  readonly broker: string;
  readonly open: (parts: BridgeParts) => Promise<RunningEnd> | RunningEnd;
};

/** `recado gateway`: HTTP requests become questions on topics. */
export function runGateway(flags: GatewayFlags, command: Command): Promise<void> {
  const { host, httpPort, config: file = DEFAULT_FILE } = flags;
  const configFlags = [
    ...(host === undefined ? [] : [{ flag: '--host', path: 'http.host', text: host }]),
    ...(httpPort === undefined ? [] : [{ flag: '--http-port', path: 'http.port', text: String(httpPort) }]),
  ];
  const sources = { ...sourcesOf(file, flags), flags: configFlags };
  const config = loadConfigOrThrow(BRIDGE_SERVER_CONFIG, sources, 'the gateway');
  const open = async (parts: BridgeParts): Promise<RunningEnd> => {
    const server = await startBridgeServer(config, parts);
    const { url } = server;
    // A program that started the gateway with a channel learns the port from here.
    process.send?.({ ready: true, listening: [{ name: 'http', address: url }] });
    parts.log.info({ address: url }, `the gateway listens on ${url}`);
    return { stop: () => server.close() };
  };
  return serveUntilSignal({ name: 'gateway', broker: config.broker, open }, flags, command);
}

/** `recado agent --config`: questions on topics become HTTP calls. */
export function runBridgeCaller(flags: BridgeFlags & { config: string }, command: Command): Promise<void> {
  const config = loadConfigOrThrow(BRIDGE_CALLER_CONFIG, sourcesOf(flags.config, flags), 'the agent');
  const open = (parts: BridgeParts): RunningEnd => {
    const { routes, limits, group, shutdownTimeoutMs } = config;
    const caller = new BridgeCaller({ routes, limits, group, ...parts });
    const tellReady = (): void => parts.log.info({}, `the agent answers on ${routes.length} topics`);
    return { ready: caller.start().then(tellReady), stop: () => caller.stop(shutdownTimeoutMs) };
  };
  return serveUntilSignal({ name: 'agent', broker: config.broker, open }, flags, command);
}

function sourcesOf(file: string, { broker }: BridgeFlags): ConfigSources {
  return { file, folder: process.cwd(), environment: broker === undefined ? process.env : {} };
}

async function serveUntilSignal(
  { name, broker, open }: BridgeEnd,
  flags: BridgeFlags,
  command: Command,
): Promise<void> {
  const { url, options } = readBrokerTarget(flags, broker, command);
  const log = createHubLog({ level: 'info', format: 'auto' });
  const lines = new LineWriter(
    new BoundedOutput(process.stdout, (lost) =>
      log.warn(
        { lost },
        `lines of standard output were lost, for want of a reader or of space: ${lost} times`,
      ),
    ),
  );
  const stopped = stopSignal();
  const bus = await connectBus(url, {
    ...options,
    clientId: randomClientId(name),
    waitsForConnection: false,
    reconnectMaxMs: RECONNECT_MAX_MS,
    log,
  });
  logPresence(bus, log);
  try {
    const end = await open({ bus, log, print: flags.quiet === true ? undefined : lines.print });
    // Whatever comes first: the broker may be long in coming.
    const signal = await Promise.race([stopped, Promise.resolve(end.ready).then(() => stopped)]);
    await stopInOrder(signal, log, async () => {
      const inTime = await end.stop();
      await bus.close();
      lines.flush();
      return inTime;
    });
  } finally {
    await bus.close();
  }
}
