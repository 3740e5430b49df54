import { HTTP_CONNECTION_BYTES, KeptKind } from '../base/kept-kinds.ts';
import { Ledger } from '../base/ledger.ts';
import type { Logger } from '../base/logger.ts';
import { shareOpenFiles } from '../base/open-files.ts';
import { Shutdown } from '../base/shutdown.ts';
import type { Bus } from '../bus/bus.ts';
import { findOpenHttpListener } from '../config/http-listener.ts';
import { refuseOpenListeners } from '../config/open-listener.ts';
import { printConnections } from '../bridge/bridge-lines.ts';
import { TopicCaller } from '../bridge/topic-caller.ts';
import type { BridgeServerConfig } from '../bridge/server-config.ts';
import { RefusalLog } from '../mqtt/transport/refusal-log.ts';
import { Refusals } from '../mqtt/transport/refusals.ts';
import { buildBridgeApp } from './bridge-app.ts';
import { listenHttp } from './listen-http.ts';

/** A gateway that listens. */
type RunningBridgeServer = {
  /** `http://127.0.0.1:5000` */
  readonly url: string;
  /** Callers get their answers first. True when all closed within `shutdownTimeoutMs`. The bus stays open. */
  close(): Promise<boolean>;
};

/**
 * Starts the HTTP side of fixed routes over a bus.
 *
 * @throws {RecadoError} `LISTENER_UNSAFE`, `PORT_IN_USE` or `LISTEN_FAILED`; nothing is left open then
 */
export async function startBridgeServer(
  config: BridgeServerConfig,
  parts: { readonly bus: Bus; readonly log: Logger; readonly print?: ((line: string) => void) | undefined },
): Promise<RunningBridgeServer> {
  const { bus, log, print } = parts;
  const names = { program: 'the gateway', remedy: '"insecure: true"', insecure: config.insecure };
  refuseOpenListeners(findOpenHttpListener(config.http, 'the gateway'), names, log);
  const { routes, limits } = config;
  const shutdown = new Shutdown(log);
  shutdown.add('bus', printConnections(bus, print));
  const caller = new TopicCaller({ bus, routes, limits });
  shutdown.add('requester', () => caller.close());
  const refusals = new Refusals(new RefusalLog(log).of('http'));
  const maxConnections = Math.min(config.http.maxConnections, shareOpenFiles().http);
  const ledger = new Ledger({
    limits: { [KeptKind.HTTP_CONNECTION]: maxConnections * HTTP_CONNECTION_BYTES },
  });
  const app = buildBridgeApp({ config, caller, ledger, refusals, log, print });
  shutdown.add('http', () => app.close());
  try {
    const url = await listenHttp(app, config.http, { refusals, ledger, log });
    return { url, close: () => shutdown.close(config.shutdownTimeoutMs) };
  } catch (error) {
    await shutdown.close(config.shutdownTimeoutMs);
    throw error;
  }
}
