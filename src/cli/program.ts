import { Command } from 'commander';
import { version } from '../base/version.ts';
import { escapeControls } from '../base/printable-text.ts';
import { withoutPasswords } from './without-passwords.ts';

/** In the order of the help. Each is loaded when it is meant, or when all are to be told. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  hub: async () => (await import('./commands/hub.ts')).hubCommand(),
  manage: async () => (await import('./commands/manage.ts')).manageCommand(),
  devices: async () => (await import('./commands/devices.ts')).devicesCommand(),
  call: async () => (await import('./commands/call.ts')).callCommand(),
  watch: async () => (await import('./commands/watch.ts')).watchCommand(),
  history: async () => (await import('./commands/history.ts')).historyCommand(),
  simulate: async () => (await import('./commands/simulate.ts')).simulateCommand(),
  pub: async () => (await import('./commands/pub.ts')).pubCommand(),
  sub: async () => (await import('./commands/sub.ts')).subCommand(),
  request: async () => (await import('./commands/request.ts')).requestCommand(),
  gateway: async () => (await import('./commands/gateway.ts')).gatewayCommand(),
  agent: async () => (await import('./commands/agent.ts')).agentCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  user: async () => (await import('./commands/user.ts')).userCommand(),
  token: async () => (await import('./commands/token.ts')).tokenCommand(),
  backup: async () => (await import('./commands/backup.ts')).backupCommand(),
  restore: async () => (await import('./commands/backup.ts')).restoreCommand(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  passwd: async () => (await import('./commands/passwd.ts')).passwdCommand(),
  completion: async () => (await import('./commands/completion.ts')).completionCommand(),
};

const EXAMPLES = `
Examples:
  recado hub                        start a hub on this machine
  recado simulate sensor            a virtual device, with a screen
  recado manage                     see the devices and command them
  recado call DE1-2 ligar           one command of one device
  recado sub -t 'house/#' -v        print what an MQTT broker carries
  recado request house/lamp/state   ask over MQTT, and print the answer
  recado agent --service billing=http://localhost:8080
                                    a service here, reached through the hub
  recado check recado.yaml          what is wrong in a configuration, and where
  recado user add ann --role admin  somebody who may sign in
  recado token create grafana       what a program comes in by
  recado backup recado.backup       all that the hub keeps, in one file
  recado passwd users.txt ann       a user of the MQTT broker, and the password

Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong.`;

/**
 * The command line. Commands load their heavy parts when they run, so that help is quick.
 * Nothing here ends the process: mistakes are thrown as `CommanderError`, others as they are.
 *
 * @param word - the first one of the command line: where it names a command, the program has only that one
 */
export async function buildProgram(word = ''): Promise<Command> {
  const program = new Command('recado')
    .description('One small server between applications and things.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    // Before the name of the command only: after it, -V and -h may be something else.
    .enablePositionalOptions()
    .addHelpText('after', EXAMPLES);
  // Of what completes the others, all are told.
  const isAlone = Object.hasOwn(COMMANDS, word) && word !== 'completion';
  const names = isAlone ? [word] : Object.keys(COMMANDS);
  for (const name of names) {
    const command = await COMMANDS[name]?.();
    if (command !== undefined) program.addCommand(command);
  }
  return applyManners(program);
}

/** Commander does not hand settings down to commands that were made elsewhere. */
function applyManners<T extends Command>(command: T): T {
  command.exitOverride();
  command.showSuggestionAfterError(true);
  command.showHelpAfterError(`(${commandPath(command)} --help says more)`);
  command.configureOutput({
    outputError: (text, write) =>
      write(escapeControls(withoutPasswords(text.replace(/^error: /, 'recado: ')))),
  });
  for (const child of command.commands) applyManners(child);
  return command;
}

function commandPath(command: Command): string {
  return command.parent === null ? command.name() : `${commandPath(command.parent)} ${command.name()}`;
}
