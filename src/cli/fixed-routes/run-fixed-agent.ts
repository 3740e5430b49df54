import type { Command } from 'commander';
import { connectBus } from '../../bus/client-bus.ts';
import { BRIDGE_CALLER_CONFIG } from '../../bridge/caller-config.ts';
import { FixedAgent } from '../../bridge/fixed-agent.ts';
import { loadConfigOrThrow } from '../../config/load-config.ts';
import { createHubLog } from '../hub-log.ts';
import { stopSignal } from '../stop-signal.ts';
import { readBrokerTarget, type BrokerFlags } from '../mqtt/broker-flags.ts';
import { LineWriter } from './line-writer.ts';
import { tellBroker } from './tell-broker.ts';

export type FixedAgentFlags = BrokerFlags & { readonly config?: string; readonly quiet?: true };

/** Questions are waited for: a broker that is back is looked for often. */
const RECONNECT_MAX_MS = 2000;

/** Serves until a signal. */
export async function runFixedAgent(
  flags: FixedAgentFlags & { config: string },
  command: Command,
): Promise<void> {
  const environment = flags.broker === undefined ? process.env : {};
  const sources = { file: flags.config, folder: process.cwd(), environment };
  const config = loadConfigOrThrow(BRIDGE_CALLER_CONFIG, sources, 'the agent');
  const { url, options } = readBrokerTarget(flags, config.broker, command);
  const log = createHubLog({ level: 'info', format: 'auto' });
  const lines = new LineWriter(process.stdout);
  const stopped = stopSignal();

  const bus = await connectBus(url, {
    ...options,
    clientId: `recado-agent-${process.pid}`,
    waitsForConnection: false,
    reconnectMaxMs: RECONNECT_MAX_MS,
    log,
  });
  tellBroker(bus, log);
  const { routes, limits, group, shutdownTimeoutMs } = config;
  const print = flags.quiet === true ? undefined : lines.print;
  const agent = new FixedAgent({ bus, routes, limits, group, log, print });
  try {
    const started = agent.start().then(() => log.info({}, `the agent answers on ${routes.length} topics`));
    // Whatever comes first: the broker may be long in coming.
    const signal = await Promise.race([stopped, started.then(() => stopped)]);
    log.info({ signal }, 'stopping');
    await agent.stop(shutdownTimeoutMs);
    await bus.close();
    lines.flush();
    log.info({}, 'stopped');
    process.exit(0);
  } finally {
    await bus.close();
  }
}
