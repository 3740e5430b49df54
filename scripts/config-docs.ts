import { childPath, collectKeys, type ConfigKey, type SchemaNode } from '../src/config/config-keys.ts';
import { describeExpected } from '../src/config/read-value.ts';
import { ConfigSchema } from '../src/hub/config/config-schema.ts';

/** docs/config.md: `npm run docs:config` writes it anew. One table for each section of the schema. */
export function configDocs(): string {
  return [HEAD, ...keyTables(ConfigSchema)].join('\n');
}

const HEAD = `# Configuration

This page is made from the schema in \`src/hub/config/config-schema.ts\` by \`npm run docs:config\`.

Recado needs no configuration: without any it listens on this machine only. What you set comes from four places,
and the later one wins:

1. the defaults below;
2. a file, YAML or JSON: the one of \`recado hub house.yaml\` or \`--config house.yaml\`, else of \`RECADO_CONFIG\`,
   else \`recado.yaml\` in the current folder;
3. environment variables, named in the tables; lists are comma separated, maps are \`name=value\` pairs with commas;
4. flags of \`recado hub\`.

\`recado check\` says what is wrong and where, all at once; \`recado check --print\` shows what the hub would use, with
secrets masked.

\`\`\`yaml
# recado.yaml: the hub for a house
http:
  host: 0.0.0.0
  trustedNetworks: [127.0.0.0/8, 192.168.1.0/24]
gateways:
  socket:
    host: 0.0.0.0
    trustedNetworks: [127.0.0.0/8, 192.168.1.0/24]
\`\`\`

**Secrets** (marked below) can also stand in a file, one a line: name it in the variable with \`_FILE\` at its end,
as \`RECADO_HTTP_TOKENS_FILE=/run/secrets/tokens\`. They are never printed. \`openssl rand -hex 24\` makes a good one.

**Open listeners.** A listener on an address that other machines reach does not let anybody in while nothing says who may use it:
the HTTP server needs \`http.tokens\`, or \`http.trustedNetworks\` that name more than loopback; the device ports need
\`gateways.socket.deviceTokens\`, or \`gateways.socket.trustedNetworks\` that name more than loopback; MQTT needs
\`mqtt.passwordFile\`, or \`mqtt.trustedNetworks\` that name more than loopback, or, over TLS, certificates of clients.
Else only [accounts](accounts.md) open the hub: where there is none, its log has a link by which the first admin is made; with \`inMemory\`, where they
would not last, it does not start. \`insecure: true\` lets everybody in, and says so loudly.

**Who may come in over MQTT.** Clients from \`mqtt.trustedNetworks\` and those at \`mqtt.unixSocket\` need no password;
all others need one of \`mqtt.passwordFile\`, or a certificate where \`mqtt.tls\` asks for it. A user name must always be
proven while there is something to prove it by. \`recado passwd\` writes the password file; \`mqtt.aclFile\` says which
topics each user may read and write.

\`\`\`yaml
# MQTT for the whole house, with passwords, and encrypted
mqtt:
  host: 0.0.0.0
  passwordFile: users.txt
  aclFile: acl.txt
  tls:
    enabled: true
    host: 0.0.0.0
    certFile: hub.crt
    keyFile: hub.key
\`\`\`

Port 0 means any free port. Names that end in \`Ms\` are milliseconds, in \`Bytes\` bytes. The names of files in a
configuration file start from its folder; in variables and flags, from the folder that the hub is started in.
`;

/** A table in Markdown for each section of a schema that has keys of its own; those of the top come last. */
function keyTables(schema: SchemaNode, path = ''): string[] {
  const children = Object.entries(schema.properties ?? {});
  const inside = children.flatMap(([name, child]) =>
    child.properties === undefined ? [] : keyTables(child, childPath(path, name)),
  );
  const leaves = children.flatMap(([name, child]) =>
    child.properties === undefined ? collectKeys(child, childPath(path, name)) : [],
  );
  if (path === '') return [...inside, sectionTable('At the top of the file', schema, leaves)];
  return leaves.length === 0 ? inside : [sectionTable(`\`${path}\``, schema, leaves), ...inside];
}

function sectionTable(title: string, schema: SchemaNode, keys: readonly ConfigKey[]): string {
  const intro = schema.description === undefined ? [] : ['', schema.description];
  const head = ['| key | default | must be | meaning, and variable |', '|---|---|---|---|'];
  return [`## ${title}`, ...intro, '', ...head, ...keys.map(tableRow), ''].join('\n');
}

function tableRow({ path, variable, schema }: ConfigKey): string {
  const secret = schema.secret === true ? ` **Secret**: also \`${variable}_FILE\`.` : '';
  const item = schema.items;
  const expected = item === undefined ? describeExpected(schema) : `a list; each ${describeExpected(item)}`;
  const cells = [`\`${path.split('.').at(-1)}\``, `\`${showDefault(schema.default)}\``, expected];
  return `| ${cells.join(' | ')} | ${schema.description}<br>\`${variable}\`${secret} |`;
}

function showDefault(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

if (import.meta.main) process.stdout.write(configDocs());
