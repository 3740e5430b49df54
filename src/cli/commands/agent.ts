import { Command } from 'commander';
import type { BridgeFlags } from '../run-bridge.ts';
import { addBrokerLogin } from '../mqtt/broker-flags.ts';
import type { ServiceAgentFlags } from '../agent/service-agent-flags.ts';
import { wholeNumber } from '../whole-number.ts';
import { AGENT_YOUNG_BYTES, boundYoungGeneration } from '../young-generation.ts';

/** `recado agent` in all its kinds: each has flags of its own, and what `command` knows about mistakes. */
type AgentFlags = ServiceAgentFlags & BridgeFlags;

const EXAMPLES = `
Examples:
  recado agent --service billing=http://localhost:8080          then: http://HUB:5070/services/billing/…
  recado agent --service billing=http://localhost:8080 --allow 'GET /invoices/**' --allow 'POST /payments'
  RECADO_BROKER=mqtts://ana:secret@hub.example recado agent --service stock=http://10.0.0.7/api --health /healthz
  recado agent --config agent.yaml       fixed routes: questions on topics become HTTP calls

Ctrl+C (or SIGTERM) ends it in order: it takes nothing new, and finishes what runs. A second one ends it at once.`;

/** `recado agent`. */
export function agentCommand(): Command {
  const command = new Command('agent')
    .description('bring HTTP services to a hub over MQTT')
    .option('--service <name=url...>', 'a service, and where it is: billing=http://localhost:8080')
    .option('-c, --config <file>', 'or fixed routes, as docs/protocols/fixed-routes.md describes them')
    .option('-q, --quiet', 'with --config: no line for each exchange')
    .option(
      '--broker <url>',
      'the hub, or its broker: mqtt://host, also mqtts://, ws:// and wss:// (default: RECADO_BROKER, else mqtt://127.0.0.1:1883)',
    )
    .option(
      '--allow <rule...>',
      "only what a rule names: 'GET,HEAD /invoices/**' (* one segment, ** any number)",
    )
    .option(
      '--health <path>',
      'the service is well when this path answers below 400 (default: it takes connections)',
    )
    .option(
      '--max-in-flight <number>',
      'most requests at once, of each service (default: 100)',
      wholeNumber(1, 1_000_000),
    )
    .option(
      '--max-request-bytes <number>',
      'largest body of a request (default: what the hub takes)',
      wholeNumber(0, 9_999_999_999),
    )
    .option(
      '--timeout <seconds>',
      'longest time until a service begins to answer (default: what the hub allows)',
      wholeNumber(1, 1_000_000),
    )
    .option('--topic-prefix <topic>', 'as services.topicPrefix of the hub (default: recado/services)')
    .option('--id <id>', 'name of this agent (default: the host name, with a random end)')
    .option('--description <text>', 'shown in the list of services');
  return addBrokerLogin(command, 'agent')
    .option(
      '--log-level <level>',
      'debug (a line for each request), info, warn, error or silent (default: info)',
    )
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', EXAMPLES)
    .action(runAgent);
}

async function runAgent(flags: AgentFlags, command: Command): Promise<void> {
  boundYoungGeneration(AGENT_YOUNG_BYTES);
  const { config } = flags;
  if (config !== undefined) {
    if (flags.service !== undefined) command.error('error: --service and --config are two agents: start two');
    const { runBridgeCaller } = await import('../run-bridge.ts');
    return runBridgeCaller({ ...flags, config }, command);
  }
  if (flags.service === undefined)
    command.error('error: which service? give --service NAME=URL, or fixed routes with --config FILE');
  const { runServiceAgents } = await import('../agent/run-service-agents.ts');
  await runServiceAgents(flags, command);
}
