import { Command } from 'commander';
import type { GatewayFlags } from '../run-bridge.ts';
import { addBrokerLogin } from '../mqtt/broker-flags.ts';
import { wholeNumber } from '../whole-number.ts';
import { boundYoungGeneration, SERVER_YOUNG_BYTES } from '../young-generation.ts';

const EXAMPLES = `
Examples:
  recado gateway                                          with gateway.yaml in this folder
  recado gateway --config ping.yaml --http-port 8080
  RECADO_BROKER=mqtts://ana:secret@broker.example recado gateway

RECADO_BROKER overrides the broker of the file, --broker overrides both. Each answer is a line on the standard
output. docs/protocols/fixed-routes.md describes the file; recado check FILE says what is wrong in it.
Ctrl+C (or SIGTERM) stops it in order; a second one stops it at once.`;

/** `recado gateway`. */
export function gatewayCommand(): Command {
  const command = new Command('gateway')
    .description('turn HTTP requests into questions over MQTT, by fixed routes')
    .option('-c, --config <file>', 'the routes (default: gateway.yaml)')
    .option('--host <host>', 'address to listen on (default: that of the file, else 127.0.0.1)')
    .option(
      '--http-port <number>',
      'port; 0 takes any (default: that of the file, else 5000)',
      wholeNumber(0, 65_535),
    )
    .option('--broker <url>', 'the broker: mqtt://host, also mqtts://, ws:// and wss://');
  return addBrokerLogin(command, 'gateway')
    .option('-q, --quiet', 'no line for each answer')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: GatewayFlags, command: Command) => {
      const { runGateway } = await import('../run-bridge.ts');
      boundYoungGeneration(SERVER_YOUNG_BYTES);
      await runGateway(flags, command);
    });
}
