import type { CommandWords } from './command-words.ts';

/** Commands whose first argument is a device, and whether their second is a command of it. */
const OF_DEVICES: Readonly<Record<string, boolean>> = { call: true, history: false, watch: false };

export const SHELLS = {
  bash: (words: readonly CommandWords[]): string => `${sharedFunctions(words)}${BASH}`,
  zsh: (words: readonly CommandWords[]): string => `#compdef recado\n${sharedFunctions(words)}${ZSH}`,
  fish: fishScript,
} as const;

export type Shell = keyof typeof SHELLS;

/** What bash and zsh read alike. Each prints a word a line. */
function sharedFunctions(words: readonly CommandWords[]): string {
  const known = words.map(({ path, commands, options }) => {
    const names = [...commands.map(({ name }) => name), ...options.flatMap(({ flags }) => flags)];
    return [path, print(names)] as const;
  });
  const valued = words.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ flags, choices }) => flags.map((flag) => [`${path} ${flag}`, print(choices)] as const)),
  );
  const devices = Object.keys(OF_DEVICES).map((name) => [`${name} 0`, NAMES] as const);
  const commands = Object.keys(OF_DEVICES)
    .filter((name) => OF_DEVICES[name])
    .map((name) => [`${name} 1`, 'recado call "$2" --names 2>/dev/null'] as const);
  return [
    `# What may follow a command; fails where there is no such command.\n${choose('_recado_words', known, 'return 1')}`,
    `# What may follow an option that takes a value; fails where it is none.\n${choose('_recado_values', valued, 'return 1')}`,
    `# What a hub knows: names that come from devices are printed, and never evaluated.\n${choose('_recado_names', [...devices, ...commands], ':')}`,
  ].join('\n');
}

const NAMES = 'recado devices --names 2>/dev/null';

function choose(name: string, cases: readonly (readonly [string, string])[], otherwise: string): string {
  const lines = cases.map(([pattern, body]) => `    ${quote(pattern)}) ${body} ;;`);
  return `${name}() {\n  case "$1" in\n${lines.join('\n')}\n    *) ${otherwise} ;;\n  esac\n}\n`;
}

function print(words: readonly string[]): string {
  return words.length === 0 ? ':' : `printf '%s\\n' ${words.map(quote).join(' ')}`;
}

/** Nothing in it is read by a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Which command is written, and how many words without a dash follow it: \`found\`, \`count\`, \`first\`. */
const READ_LINE = `  for word in "\${given[@]}"; do
    if [ "$count" = 0 ] && _recado_words "\${found:+$found }$word" >/dev/null; then
      found="\${found:+$found }$word"
    else
      case "$word" in
        -*) ;;
        *) [ "$count" = 0 ] && first="$word"; count=$((count + 1)) ;;
      esac
    fi
  done
`;

const BASH = `
_recado() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" found= first= word
  local count=0
  local -a given=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  COMPREPLY=()
${READ_LINE}
  while IFS= read -r word; do
    # Quoted, for what is in the line is read by the shell when it is entered.
    [[ -n "$word" && "$word" == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$word")")
  done < <(
    if _recado_values "$found $prev"; then :
    elif [[ "$cur" != -* && "$found" != '' ]] && _recado_names "$found $count" "$first" | grep .; then :
    else _recado_words "$found"; fi
  )
}
complete -o default -F _recado recado
`;

const ZSH = `
_recado() {
  local found= first= word
  local -i count=0
  local -a given offered
  given=("\${(@)words[2,CURRENT-1]}")
${READ_LINE}
  if _recado_values "$found $words[CURRENT-1]" >/dev/null; then
    offered=("\${(@f)$(_recado_values "$found $words[CURRENT-1]")}")
  else
    [[ "$words[CURRENT]" == -* ]] || offered=("\${(@f)$(_recado_names "$found $count" "$first")}")
    offered=(\${offered:#})
    (( $#offered )) || offered=("\${(@f)$(_recado_words "$found")}")
  fi
  offered=(\${offered:#})
  if (( $#offered )); then compadd -a offered; else _files; fi
}
if [[ "$funcstack[1]" == _recado ]]; then _recado "$@"; else compdef _recado recado; fi
`;

function fishScript(words: readonly CommandWords[]): string {
  const lines = words.flatMap(({ path, commands, options }) => {
    const condition = path === '' ? '__fish_use_subcommand' : seen(path);
    const head = `complete -c recado -n ${quoteFish(condition)}`;
    const below = commands.map(({ name, says }) => {
      const first =
        path === ''
          ? head
          : `complete -c recado -n ${quoteFish(`${condition}; and not __fish_seen_subcommand_from ${commands.map((each) => each.name).join(' ')}`)}`;
      return `${first} -f -a ${quoteFish(name)} -d ${quoteFish(says)}`;
    });
    const own = options.map(({ flags, says, takesValue, choices }) => {
      const names = flags.map((flag) =>
        flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const value = takesValue
        ? ` -r${choices.length > 0 ? ` -f -a ${quoteFish(choices.join(' '))}` : ''}`
        : '';
      return `${head} ${names.join(' ')}${value} -d ${quoteFish(says)}`;
    });
    return [...below, ...own];
  });
  const devices = Object.entries(OF_DEVICES).flatMap(([name, hasCommands]) => {
    const at = (count: number): string =>
      quoteFish(`__fish_seen_subcommand_from ${name}; and test (count (commandline -opc)) -eq ${count}`);
    return [
      `complete -c recado -n ${at(2)} -f -a '(${NAMES})'`,
      ...(hasCommands
        ? [`complete -c recado -n ${at(3)} -f -a '(recado call (commandline -opc)[3] --names 2>/dev/null)'`]
        : []),
    ];
  });
  return `${[...lines, ...devices].join('\n')}\n`;
}

function seen(path: string): string {
  return path
    .split(' ')
    .map((name) => `__fish_seen_subcommand_from ${name}`)
    .join('; and ');
}

function quoteFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
