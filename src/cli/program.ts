import { Command } from 'commander';
import { version } from '../base/version.ts';
import { agentCommand } from './commands/agent.ts';
import { checkCommand } from './commands/check.ts';
import { configDocsCommand } from './commands/config-docs.ts';
import { gatewayCommand } from './commands/gateway.ts';
import { hubCommand } from './commands/hub.ts';
import { manageCommand } from './commands/manage.ts';
import { passwdCommand } from './commands/passwd.ts';
import { pubCommand } from './commands/pub.ts';
import { requestCommand } from './commands/request.ts';
import { simulateCommand } from './commands/simulate.ts';
import { subCommand } from './commands/sub.ts';

const EXAMPLES = `
Examples:
  recado hub                        start a hub on this machine
  recado simulate sensor            a virtual device, with a screen
  recado manage                     see the devices and command them
  recado sub -t 'house/#' -v        print what an MQTT broker carries
  recado request house/lamp/state   ask over MQTT, and print the answer
  recado agent --service billing=http://localhost:8080
                                    a service here, reached through the hub
  recado check recado.yaml          what is wrong in a configuration, and where
  recado passwd users.txt ann       a user of the MQTT broker, and the password

Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong.`;

/**
 * The command line. Commands load their heavy parts when they run, so that help is quick.
 * Nothing here ends the process: mistakes are thrown as `CommanderError`, others as they are.
 */
export function buildProgram(): Command {
  const program = new Command('recado')
    .description('One small server between applications and things.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    // Before the name of the command only: after it, -V and -h may be something else.
    .enablePositionalOptions()
    .addHelpText('after', EXAMPLES)
    .addCommand(hubCommand())
    .addCommand(manageCommand())
    .addCommand(simulateCommand())
    .addCommand(pubCommand())
    .addCommand(subCommand())
    .addCommand(requestCommand())
    .addCommand(gatewayCommand())
    .addCommand(agentCommand())
    .addCommand(checkCommand())
    .addCommand(passwdCommand())
    .addCommand(configDocsCommand(), { hidden: true });
  return applyManners(program);
}

/** Commander does not hand settings down to commands that were made elsewhere. */
function applyManners<T extends Command>(command: T): T {
  command.exitOverride();
  command.showSuggestionAfterError(true);
  command.showHelpAfterError(`(${commandPath(command)} --help says more)`);
  command.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'recado: ')) });
  for (const child of command.commands) applyManners(child);
  return command;
}

function commandPath(command: Command): string {
  return command.parent === null ? command.name() : `${commandPath(command.parent)} ${command.name()}`;
}
