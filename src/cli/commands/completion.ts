import { Argument, Command } from 'commander';

const EXAMPLES = `
Examples:
  source <(recado completion bash)                                    in ~/.bashrc
  source <(recado completion zsh)                                     in ~/.zshrc, behind compinit
  recado completion fish > ~/.config/fish/completions/recado.fish

Ids of devices and names of their commands are asked from the hub of RECADO_URL, with the token of RECADO_TOKEN.`;

/** `recado completion SHELL`: a script that completes the command line. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print a script that completes command lines, for a shell to read')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', EXAMPLES)
    .action(async (shell: 'bash' | 'zsh' | 'fish', _flags: object, { parent }: Command) => {
      const [{ wordsOf }, { SHELLS }] = await Promise.all([
        import('../completion/command-words.ts'),
        import('../completion/shells.ts'),
      ]);
      process.stdout.write(SHELLS[shell](wordsOf(parent!)));
    });
}
