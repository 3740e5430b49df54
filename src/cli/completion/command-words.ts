import type { Command, Option } from 'commander';

/** One command of the command line: what may stand behind it. */
export type CommandWords = {
  /** As it is written behind `recado`: `user add`; empty for `recado` itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly says: string }[];
  readonly options: readonly OptionWords[];
};

export type OptionWords = {
  /** As they are written: `-c`, `--config`. */
  readonly flags: readonly string[];
  readonly says: string;
  readonly takesValue: boolean;
  /** All values that it takes; empty where they are not told. */
  readonly choices: readonly string[];
};

/** What the command line takes, a command each, those below others too. */
export function wordsOf(command: Command, path: readonly string[] = []): readonly CommandWords[] {
  const help = command.createHelp();
  const own = {
    path: path.join(' '),
    commands: help.visibleCommands(command).map((each) => ({ name: each.name(), says: each.description() })),
    options: help.visibleOptions(command).map(optionWords),
  };
  return [own, ...command.commands.flatMap((each) => wordsOf(each, [...path, each.name()]))];
}

function optionWords({ short, long, description, required, optional, argChoices }: Option): OptionWords {
  const flags = [short, long].filter((flag) => flag !== undefined);
  return { flags, says: description, takesValue: required || optional, choices: argChoices ?? [] };
}
