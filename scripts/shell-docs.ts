import { DEVICE_EXITS } from '../src/cli/devices/failures.ts';
import { FLAG_TABLE } from '../src/cli/mqtt/flag-table.ts';

/** docs/shell.md: `npm run docs:shell` writes it anew. */
export function shellDocs(): string {
  const exits = Object.entries(DEVICE_EXITS).map(([code, meaning]) => [code, meaning]);
  const flags = FLAG_TABLE.map(({ flags: written, of, says, refused }) => [
    `\`${written.replaceAll('|', '\\|')}\``,
    of.join(', '),
    refused === undefined ? says : `${says}: not taken; ${refused}`,
  ]);
  const devices = `${DEVICES}\n${table(['Exit code', 'Meaning'], exits)}`;
  return `${HEAD}\n${devices}\n${OUTPUT}\n${COMPLETION}\n${MQTT}\n${table(['Flag', 'Of', 'What it does'], flags)}`;
}

const HEAD = `# The shell

This page is made from the tables in \`src/cli/mqtt/flag-table.ts\` and \`src/cli/devices/failures.ts\` by \`npm run docs:shell\`.
`;

const DEVICES = `## Devices

| command | what it does |
| --- | --- |
| \`recado devices\` | lists the devices of a hub; \`--status\`, \`--gateway\`, \`--tag\` and \`--search\` choose |
| \`recado call DEVICE\` | what the device can be asked to do |
| \`recado call DEVICE COMMAND [INPUT]\` | asks it, and prints the output; with \`--queue-for\` the command waits where the device is offline |
| \`recado watch [DEVICE...]\` | prints what happens at devices: presence, readings, commands, events |
| \`recado history DEVICE [METRIC...]\` | prints what metrics were as CSV: \`--from\`, \`--to\`, \`--every 1m\`, \`--fn max\` |

They ask the hub of \`--url\` or \`RECADO_URL\` (this machine's, when neither is given), with the token of \`RECADO_TOKEN\`. \`--json\` prints a JSON
value on each line, as the [HTTP API](http.md) has them, and failures as one on standard error. \`--names\` prints names alone, a line each.

Of a hub that speaks HTTPS with a certificate of an authority of your own, \`--cafile\` names that of the authority, for these commands and
\`recado manage\`. \`NODE_EXTRA_CA_CERTS\` does so for every program that runs on Node: for \`recado/client\`, and for what \`recado agent\` calls.

INPUT is JSON; for a command whose schema says that it takes a text, it is the text as it stands; \`-\` reads it from the standard input.

\`recado watch\` follows the [events](http.md#events) of the hub, and begins with what there is. It goes on while the hub is away. An older hub, which
has no events, is asked each second (\`--interval\`), and it says so: of readings that come faster the latest is told then, and neither commands
nor events are seen.
`;

const OUTPUT = `A command, of these and of all others, whose output cannot be written (a full disk) says so in one line on standard error, and ends with 1. A
reader that has seen enough (\`| head\`) ends it with 0. The hub and \`recado gateway\` go on without their lines: the log tells how many were lost when
there is room again, and \`/metrics\` counts those of the hub (\`recado_log_lines_lost_total\`). What strangers can set off is a
budget of lines a second for each kind and address; a line tells how many more there were, and \`recado_log_lines_withheld_total\` counts them by kind.
`;

const COMPLETION = `## Completion

\`source <(recado completion bash)\` in \`~/.bashrc\`, or \`source <(recado completion zsh)\` in \`~/.zshrc\` behind \`compinit\`, or
\`recado completion fish > ~/.config/fish/completions/recado.fish\`: commands, options and what they take, ids of devices and names of their commands.
`;

const MQTT = `## MQTT

\`recado pub\`, \`recado sub\` and \`recado request\` take the flags of \`mosquitto_pub\`, \`mosquitto_sub\` and \`mosquitto_rr\`, with their
output and their exit codes: 0 done; 27 when \`-W\` is over; 1 failed; what the broker answered to CONNECT when it refused it. A wrong command line
ends with 2, where theirs end with 1. A test holds the table against the help and the manual of Debian's programs, and runs both side by
side.

On a terminal, control characters in payloads, topics and properties are shown as JSON writes them (\`\\u001b\`), as are marks that turn the direction of
writing and characters that are not seen, unless a script or an emoji needs them; tabs and ends of lines of a payload stay, and bytes that are no UTF-8 show as \`�\`. Escapes in the text of \`-F\` work. Into a pipe or a file every byte goes as it is.

What differs:

- MQTT 5 is spoken where the broker does, else 3.1.1; theirs speak 3.1.1 unless \`-V\` says otherwise (\`mosquitto_rr\` 5). \`-D\` asks for 5.
- \`recado sub\` acknowledges a message when it is printed, and not as it comes ([MQTT](mqtt.md#in-a-shell)).
- \`recado request\` needs no \`-e\`, and waits 10 seconds unless \`-W\` says otherwise; its QoS is 1 unless \`-q\` says otherwise.
- \`-d\` tells what happens on standard error, in words of its own; theirs print it among the messages.
- In the JSON of \`-F %j\`, user properties of one name are a list; theirs repeat the name.
- \`-R --remove-retained\` removes without printing, as their manual says.
- \`--capath\` takes a folder with certificates as they are; theirs needs \`openssl rehash\`.
- \`-L\` takes \`ws://\`, \`wss://\` and \`mqtt+unix:/PATH\` too; \`RECADO_BROKER\` is an address for where no flag says one.
- Their files with flags (\`~/.config/mosquitto_pub\`) are not read.

All flags; \`pub\`, \`sub\` and \`request\` say which program has them:
`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`);
  return lines.join('');
}

if (import.meta.main) process.stdout.write(shellDocs());
