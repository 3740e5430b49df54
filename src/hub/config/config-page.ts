import { keyTables } from '../../config/key-tables.ts';
import { ConfigSchema } from './config-schema.ts';

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

**Open listeners.** A listener on an address that other machines reach does not start while nothing says who may use it:
the HTTP server needs \`http.tokens\`, or \`http.trustedNetworks\` that name more than loopback; the device ports need
\`gateways.socket.deviceTokens\`, or \`gateways.socket.trustedNetworks\` that name more than loopback; MQTT needs
\`mqtt.passwordFile\`, or \`mqtt.trustedNetworks\` that name more than loopback, or, over TLS, certificates of clients.
\`insecure: true\` starts it all the same, and says so loudly.

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

Port 0 means any free port. Names that end in \`Ms\` are milliseconds, in \`Bytes\` bytes. The names of files start from the
folder that the hub is started in.
`;

/** The text of `docs/config.md`: one table for each section of the schema. */
export function configPage(): string {
  return [HEAD, ...keyTables(ConfigSchema)].join('\n');
}
