import { FLAG_TABLE } from '../src/cli/mqtt/flag-table.ts';

/** docs/shell.md: `npm run docs:shell` writes it anew. */
export function shellDocs(): string {
  return `${TEXT}\n${table()}`;
}

const TEXT = `# The shell

This page is made from the table in \`src/cli/mqtt/flag-table.ts\` by \`npm run docs:shell\`.

## MQTT

\`recado pub\`, \`recado sub\` and \`recado request\` take the flags of \`mosquitto_pub\`, \`mosquitto_sub\` and \`mosquitto_rr\`, with their
output and their exit codes: 0 done; 27 when \`-W\` is over; 1 failed; what the broker answered to CONNECT when it refused it. A wrong command line
ends with 2, where theirs end with 1. A test holds the table against the help and the manual of Debian's programs, and runs both side by
side.

On a terminal, control characters in payloads, topics and properties are shown as JSON writes them (\`\\u001b\`), as are marks that turn the direction of
writing; tabs and ends of lines of a payload stay, and bytes that are no UTF-8 show as \`�\`. Escapes in the text of \`-F\` work. Into a pipe or a file every byte goes as it is.

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

function table(): string {
  const rows = FLAG_TABLE.map(({ flags, of, says, refused }) => {
    const names = `\`${flags.replaceAll('|', '\\|')}\``;
    return [names, of.join(', '), refused === undefined ? says : `${says}: not taken; ${refused}`].join(
      ' | ',
    );
  });
  const head = ['Flag', 'Of', 'What it does'];
  return [head.join(' | '), head.map(() => '---').join(' | '), ...rows].map((row) => `| ${row} |\n`).join('');
}

if (import.meta.main) process.stdout.write(shellDocs());
