import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadConfig, type ConfigFlag } from '../../config/load-config.ts';
import { formatMistake } from '../../config/source-reading.ts';
import { defaultConfig, HUB_CONFIG } from './hub-config.ts';

type Reading = ReturnType<typeof load>;

const folder = mkdtempSync(join(tmpdir(), 'recado-config-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function load(parts: { yaml?: string; environment?: Record<string, string>; flags?: ConfigFlag[] }) {
  const own = mkdtempSync(join(folder, `case-${files++}-`));
  if (parts.yaml !== undefined) writeFileSync(join(own, 'recado.yaml'), parts.yaml);
  return loadConfig(HUB_CONFIG, {
    environment: parts.environment ?? {},
    folder: own,
    flags: parts.flags ?? [],
  });
}

function mistakes(parts: Parameters<typeof load>[0]): string[] {
  const reading = load(parts);
  return reading.ok ? [] : reading.failure.map(formatMistake);
}

function goodConfig(parts: Parameters<typeof load>[0]) {
  const reading = load(parts);
  assert.ok(reading.ok, reading.ok ? '' : reading.failure.map(formatMistake).join('\n'));
  return reading.value.config;
}

describe('where the configuration comes from', () => {
  it('is the default when nobody says anything', () => {
    const reading = load({});
    assert.deepEqual(reading, {
      ok: true,
      value: { config: defaultConfig(), file: undefined, places: new Map() },
    });
  });

  it('takes a file over defaults, the environment over the file, a flag over both', () => {
    const config = goodConfig({
      yaml: 'http: {port: 1001}\ngateways:\n  socket: {tcpPort: 1002, udpPort: 1003}\n',
      environment: { RECADO_GATEWAYS_SOCKET_TCP_PORT: '2002', RECADO_GATEWAYS_SOCKET_UDP_PORT: '2003' },
      flags: [{ flag: '--udp-port', path: 'gateways.socket.udpPort', text: '3003' }],
    });
    assert.equal(config.http.port, 1001);
    assert.equal(config.gateways.socket.tcpPort, 2002);
    assert.equal(config.gateways.socket.udpPort, 3003);
    assert.equal(config.gateways.socket.maxConnections, 10_000);
  });

  it('has names of files from the folder of its file on, and others from where the program is', () => {
    const { mqtt, http } = goodConfig({
      yaml: 'mqtt: { passwordFile: users.txt, aclFile: /etc/acl.txt }\nhttp: { tls: { certFile: ../hub.crt } }\n',
      environment: { RECADO_MQTT_UNIX_SOCKET: 'mqtt.sock', RECADO_HTTP_TLS_KEY_FILE: 'hub.key' },
    });
    const own = join(folder, `case-${files - 1}-`);
    assert.ok(
      mqtt.passwordFile.startsWith(own) && mqtt.passwordFile.endsWith('/users.txt'),
      mqtt.passwordFile,
    );
    assert.deepEqual(
      [mqtt.aclFile, mqtt.unixSocket, http.tls.certFile, http.tls.keyFile],
      ['/etc/acl.txt', 'mqtt.sock', join(folder, 'hub.crt'), 'hub.key'],
    );
  });

  it('trusts no network by itself as soon as there are proofs, and every one that is written', () => {
    const trusted = (yaml: string) => {
      const { http, mqtt, gateways } = goodConfig({ yaml });
      const sections = [http, mqtt, mqtt.webSocket, gateways.socket];
      return sections.map(({ trustedNetworks }) => trustedNetworks.length);
    };
    const tokens = 'tokens: [a-token-of-sixteen-or-more]';
    assert.deepEqual(trusted('http: { tokens: [] }'), [2, 2, 2, 2]);
    assert.deepEqual(trusted(`http: { ${tokens} }`), [0, 2, 0, 2], 'no token opens MQTT');
    assert.deepEqual(trusted('mqtt: { passwordFile: users.txt }'), [0, 0, 0, 2]);
    assert.deepEqual(trusted(`http: { ${tokens} }\nmqtt: { trustedNetworks: [127.0.0.1] }`), [0, 1, 1, 2]);
    assert.deepEqual(trusted(`http: { ${tokens}, trustedNetworks: [127.0.0.1] }`), [1, 2, 0, 2]);
    const deviceTokens = 'gateways: { socket: { deviceTokens: { a: a-token-of-sixteen } } }';
    assert.deepEqual(trusted(deviceTokens), [2, 2, 2, 0]);
  });

  it('reads the file that --config names, else RECADO_CONFIG, else recado.yaml', () => {
    writeFileSync(join(folder, 'flag.yaml'), 'http: {port: 1}');
    writeFileSync(join(folder, 'variable.yaml'), 'http: {port: 2}');
    writeFileSync(join(folder, 'recado.yaml'), 'http: {port: 3}');
    const environment = { RECADO_CONFIG: 'variable.yaml' };
    const port = (reading: Reading) => reading.ok && reading.value.config.http.port;
    assert.equal(port(loadConfig(HUB_CONFIG, { environment, folder, file: 'flag.yaml' })), 1);
    assert.equal(port(loadConfig(HUB_CONFIG, { environment, folder })), 2);
    assert.equal(port(loadConfig(HUB_CONFIG, { environment: {}, folder })), 3);
    const usual = loadConfig(HUB_CONFIG, { environment: {}, folder });
    assert.equal(usual.ok && usual.value.file, 'recado.yaml');
  });

  it('reads JSON as well, and sections with nothing in them', () => {
    assert.equal(goodConfig({ yaml: '{"http": {"port": 1234}}' }).http.port, 1234);
    assert.deepEqual(
      goodConfig({ yaml: 'http:\ngateways:\n  socket:\n    # tcpPort: 1\n' }),
      defaultConfig(),
    );
    assert.deepEqual(goodConfig({ yaml: '# nothing yet\n' }), defaultConfig());
  });

  it('follows YAML aliases', () => {
    const config = goodConfig({
      yaml: 'http:\n  trustedNetworks: &mine [10.0.0.0/8]\ngateways:\n  socket:\n    trustedNetworks: *mine\n',
    });
    assert.deepEqual(config.gateways.socket.trustedNetworks, ['10.0.0.0/8']);
  });
});

describe('environment variables', () => {
  it('hold lists with commas, maps with pairs, truth in two spellings', () => {
    const config = goodConfig({
      environment: {
        RECADO_GATEWAYS_SOCKET_TRUSTED_NETWORKS: '10.0.0.0/8, 192.168.1.7',
        RECADO_GATEWAYS_SOCKET_DEVICE_TOKENS: 'door=0123456789abcdef, lamp=fedcba9876543210==',
        RECADO_GATEWAYS_SOCKET_ENABLED: '0',
        RECADO_HTTP_TRUSTED_NETWORKS: '',
        RECADO_INSECURE: 'TRUE',
      },
    });
    assert.deepEqual(config.gateways.socket.trustedNetworks, ['10.0.0.0/8', '192.168.1.7']);
    assert.deepEqual(config.gateways.socket.deviceTokens, {
      door: '0123456789abcdef',
      lamp: 'fedcba9876543210==',
    });
    assert.equal(config.gateways.socket.enabled, false);
    assert.deepEqual(config.http.trustedNetworks, []);
    assert.equal(config.insecure, true);
  });

  it('name the services of users, apart by spaces', () => {
    const environment = {
      RECADO_SERVICES_AGENTS: 'ana=billing stock, bob=*',
      RECADO_MQTT_PASSWORD_FILE: 'users.txt',
      RECADO_SERVICES_HOSTS: 'billing.example=billing, Stock.local=stock',
      RECADO_MQTT_EXTERNAL: 'mqtt://hub:secret@broker.example',
    };
    const config = goodConfig({ environment });
    assert.deepEqual(config.services.agents, { ana: ['billing', 'stock'], bob: ['*'] });
    assert.deepEqual(config.services.hosts, { 'billing.example': 'billing', 'Stock.local': 'stock' });
    assert.equal(config.mqtt.external, 'mqtt://hub:secret@broker.example');
  });

  it('tell of clients by RECADO_BROKER, and of the hub itself by another name', () => {
    const config = goodConfig({ environment: { RECADO_BROKER: 'mqtt://elsewhere' } });
    assert.deepEqual([config.mqtt.external, config.mqtt.enabled], ['', true]);
  });

  it('that bring a broker take that of the hub away, unless it is written', () => {
    const external = { RECADO_MQTT_EXTERNAL: 'mqtt://elsewhere' };
    assert.equal(goodConfig({ environment: external }).mqtt.enabled, false);
    const both = { ...external, RECADO_MQTT_ENABLED: 'true' };
    assert.equal(goodConfig({ environment: both }).mqtt.enabled, true);
    assert.equal(goodConfig({ environment: { RECADO_MQTT_EXTERNAL: '' } }).mqtt.enabled, true);
  });

  it('name files that hold secrets, one a line', () => {
    const file = join(folder, 'tokens');
    writeFileSync(file, '0123456789abcdef\nfedcba9876543210\n');
    const config = goodConfig({ environment: { RECADO_HTTP_TOKENS_FILE: file } });
    assert.deepEqual(config.http.tokens, ['0123456789abcdef', 'fedcba9876543210']);
  });

  it('of other parts and of Kubernetes are left alone', () => {
    const environment = {
      RECADO_URL: 'http://hub:5070',
      RECADO_TOKEN: 'x',
      RECADO_LANG: 'pt-BR',
      RECADO_SERVICE_HOST: '10.96.0.7',
      RECADO_SERVICE_PORT_HTTP: '5070',
      RECADO_PORT: 'tcp://10.96.0.7:5070',
      RECADO_PORT_5070_TCP_ADDR: '10.96.0.7',
      PATH: '/bin',
    };
    assert.deepEqual(mistakes({ environment }), []);
  });
});

const TOKEN = '0123456789abcdef';
const SECTIONS = Object.keys(defaultConfig()).join(', ');
const HTTP_KEYS =
  'host, port, tokens, hostNames, trustedNetworks, trustedProxies, proxyProtocol, tls, cors, maxConnections, maxConnectionsPerAddress, bodyTimeoutMs, maxBodyBytes';
const SAMPLE_TOKEN = 'this is the sample from the documentation: make your own, e.g. openssl rand -hex 24';
const TOKEN_RULE = '16 to 512 characters out of A-Z a-z 0-9 . _ ~ + / = -';

/** What is in the file, and exactly what is said about it. */
const FILE_MISTAKES: readonly (readonly [string, readonly string[]])[] = [
  [
    'gateways:\n  socket:\n    enabled: true\n    tcpPort: abc\n',
    ['recado.yaml:4:14 gateways.socket.tcpPort: must be a whole number, 0 to 65535 (it is "abc")'],
  ],
  ['http:\n  port: 65536\n', ['recado.yaml:2:9 http.port: must be a whole number, 0 to 65535 (it is 65536)']],
  ['http: {port: 1.5}\n', ['recado.yaml:1:14 http.port: must be a whole number, 0 to 65535 (it is 1.5)']],
  ['http:\n  port:\n', ['recado.yaml:2:8 http.port: must be a whole number, 0 to 65535 (it is empty)']],
  [
    'http:\n  host: not a host\n',
    ['recado.yaml:2:9 http.host: must be an IP address or a host name, as 127.0.0.1 (it is "not a host")'],
  ],
  [
    'http:\n  host: 999.1.1.1\n  hostNames: [hub.example, 1.2.3]\n',
    [
      'recado.yaml:2:9 http.host: must be an IP address or a host name, as 127.0.0.1 (it is "999.1.1.1")',
      'recado.yaml:3:28 http.hostNames[1]: must be an IP address or a host name, as 127.0.0.1 (it is "1.2.3")',
    ],
  ],
  [
    'shutdownTimeoutMs: 1\n',
    ['recado.yaml:1:20 shutdownTimeoutMs: must be a whole number of ms, 10 to 3600000 (it is 1)'],
  ],
  ['insecure: maybe\n', ['recado.yaml:1:11 insecure: must be true or false (it is "maybe")']],
  [
    'log: {level: loud}\n',
    ['recado.yaml:1:14 log.level: must be one of debug, info, warn, error, silent (it is "loud")'],
  ],
  [
    'http:\n  trustedNetworks: 10.0.0.0/8\n',
    ['recado.yaml:2:20 http.trustedNetworks: must be a list (it is "10.0.0.0/8")'],
  ],
  [
    'http:\n  trustedNetworks:\n    - 10.0.0.0/8\n    - 10.0.0.0/33\n',
    [
      'recado.yaml:4:7 http.trustedNetworks[1]: must be a network or an address, as 10.0.0.0/8 or 10.0.0.7 (it is "10.0.0.0/33")',
    ],
  ],
  [
    `http:\n  tokens: [${TOKEN}, secret]\n`,
    [`recado.yaml:2:30 http.tokens[1]: must be ${TOKEN_RULE} (it is hidden, 6 characters)`],
  ],
  [
    'http:\n  tokens: [x]\n',
    [`recado.yaml:2:12 http.tokens[0]: must be ${TOKEN_RULE} (it is hidden, 1 character)`],
  ],
  [
    'http:\n  tokens: [x, choose-a-long-secret-here]\n',
    [
      `recado.yaml:2:12 http.tokens[0]: must be ${TOKEN_RULE} (it is hidden, 1 character)`,
      `recado.yaml:2:15 http.tokens[1]: ${SAMPLE_TOKEN}`,
    ],
  ],
  [
    'gateways: {socket: {deviceTokens: {lamp: make-your-own-with-openssl-rand-hex-24}}}\n',
    [`recado.yaml:1:42 gateways.socket.deviceTokens.lamp: ${SAMPLE_TOKEN}`],
  ],
  [
    `gateways: {socket: {deviceTokens: {"a b": ${TOKEN}, lamp: short}}}\n`,
    [
      'recado.yaml:1:43 gateways.socket.deviceTokens.a b: is not a device id: 1 to 64 of A-Z a-z 0-9 . _ : -',
      `recado.yaml:1:67 gateways.socket.deviceTokens.lamp: must be ${TOKEN_RULE} (it is hidden, 5 characters)`,
    ],
  ],
  [
    'services: {agents: {ana: [billing, "a b"]}}\n',
    [
      'recado.yaml:1:36 services.agents.ana[1]: must be the name of a service, as billing, or * (it is "a b")',
    ],
  ],
  [
    'services: {agents: {ana: billing}}\n',
    ['recado.yaml:1:26 services.agents.ana: must be a list (it is "billing")'],
  ],
  [
    'services: {agents: [ana]}\n',
    ['recado.yaml:1:20 services.agents: must be a map of user name to a list of services (it is a list)'],
  ],
  [
    'services: {agents: {ana: [billing]}}\n',
    [
      'recado.yaml:1:20 services.agents: services.agents names users, and nothing proves who they are: ' +
        'set mqtt.passwordFile or mqtt.tls.certificateNames',
    ],
  ],
  ...['localhost', '127.0.0.1', '"::1"', 'a/b', '"*.example"'].map((name): [string, string[]] => [
    `services: {hosts: {${name}: billing}}\n`,
    [
      `recado.yaml:1:${22 + name.length} services.hosts.${name.replaceAll('"', '')}: is not a host name, as billing.example; ` +
        'addresses and localhost are the hub itself',
    ],
  ]),
  [
    'services: {hosts: {a.example: "no name"}}\n',
    [
      'recado.yaml:1:31 services.hosts.a.example: must be the name of a service, as billing (it is "no name")',
    ],
  ],
  [
    'services: {hosts: {A.example: a}}\nhttp: {hostNames: [a.example, b.example]}\n',
    [
      'recado.yaml:1:19 services.hosts: services.hosts and http.hostNames both have A.example; ' +
        'it is the name of the service, or of the hub',
    ],
  ],
  [
    'services: {topicPrefix: "recado/#"}\nmqtt: {external: "http://secret@x"}\n',
    [
      'recado.yaml:1:25 services.topicPrefix: must be a topic without + and #, as recado/services (it is "recado/#")',
      'recado.yaml:2:18 mqtt.external: must be the address of an MQTT broker, as mqtt://127.0.0.1:1883, or empty ' +
        '(it is hidden, 15 characters)',
    ],
  ],
  [
    'http:\n  prot: 5070\n',
    [`recado.yaml:2:3 http.prot: is not a key; did you mean port? (allowed: ${HTTP_KEYS})`],
  ],
  ['broker: mqtt://elsewhere\n', ['recado.yaml:1:1 broker: is called mqtt.external now']],
  [
    'port: 5070\n',
    [
      'recado.yaml:1:1 port: is not a key here; did you mean http.port or gateways.socket.tls.port or mqtt.port or mqtt.tls.port? (allowed: ' +
        `${SECTIONS})`,
    ],
  ],
  ['kafka: {}\n', [`recado.yaml:1:1 kafka: is not a key (allowed: ${SECTIONS})`]],
  ['__proto__: {}\n', [`recado.yaml:1:1 __proto__: is not a key (allowed: ${SECTIONS})`]],
  ['http: 5070\n', [`recado.yaml:1:7 http: must be a section with keys: ${HTTP_KEYS}`]],
  ['- http\n', [`recado.yaml:1:1: must be a section with keys: ${SECTIONS}`]],
  ['http: {port: 1}\nhttp: {port: 2}\n', ['recado.yaml:2:1: this key is there twice; keep one of them']],
  [
    'http: {port: x}\nhttp: {port: 2}\nlog: {levl: info}\n',
    [
      'recado.yaml:2:1: this key is there twice; keep one of them',
      'recado.yaml:3:7 log.levl: is not a key; did you mean level? (allowed: level, format)',
      'recado.yaml:1:14 http.port: must be a whole number, 0 to 65535 (it is "x")',
    ],
  ],
  ['log:\n  format: *b\n', ['recado.yaml:2:11 log.format: the alias *b has no anchor &b before it']],
  ['log: *b\n', ['recado.yaml:1:6 log: the alias *b has no anchor &b before it']],
  ['http:\n  tokens: [*b]\n', ['recado.yaml:2:12 http.tokens: the alias *b has no anchor &b before it']],
  [
    'devices:\n  maxQueuedInvocations: 10\n',
    [
      'recado.yaml:2:25 devices.maxQueuedInvocations: devices.maxQueuedPerCaller is 64, more than ' +
        'devices.maxQueuedInvocations, which is 10; lower the one or raise the other',
    ],
  ],
  [
    'invocations:\n  defaultTimeoutMs: 700000\n',
    [
      'recado.yaml:2:21 invocations.defaultTimeoutMs: invocations.defaultTimeoutMs is 700000, more than ' +
        'invocations.maxTimeoutMs, which is 600000; lower the one or raise the other',
    ],
  ],
  [
    'http: {port: 5050}\n',
    ['recado.yaml:1:14 http.port: http.port and gateways.socket.tcpPort are both 5050; each needs its own'],
  ],
  [
    'mqtt: {port: 5070, tls: {enabled: true, port: 5050, certFile: a, keyFile: b}}\n',
    [
      'recado.yaml:1:14 mqtt.port: http.port and mqtt.port are both 5070; each needs its own',
      'recado.yaml:1:47 mqtt.tls.port: gateways.socket.tcpPort and mqtt.tls.port are both 5050; each needs its own',
    ],
  ],
  [
    'mqtt: {tls: {enabled: true, clientCertificates: optional}}\n',
    [
      'recado.yaml:1:23 mqtt.tls.enabled: mqtt.tls.certFile must be set, because mqtt.tls.enabled is true',
      'recado.yaml:1:23 mqtt.tls.enabled: mqtt.tls.keyFile must be set, because mqtt.tls.enabled is true',
      'recado.yaml:1:49 mqtt.tls.clientCertificates: mqtt.tls.caFile must be set, because mqtt.tls.clientCertificates ' +
        'is optional',
    ],
  ],
  [
    'mqtt: {tls: {enabled: true, certFile: a, keyFile: b, certificateNames: true}}\n',
    [
      'recado.yaml:1:72 mqtt.tls.certificateNames: mqtt.tls.clientCertificates must be set, because ' +
        'mqtt.tls.certificateNames is true',
    ],
  ],
  [
    'mqtt: {webSocket: {path: mqtt, allowedOrigins: [panel.example.org]}, maximumQos: 3, maxSessions: 0}\n',
    [
      'recado.yaml:1:26 mqtt.webSocket.path: must be a path that begins with /, as /mqtt (it is "mqtt")',
      'recado.yaml:1:49 mqtt.webSocket.allowedOrigins[0]: must be an origin, as https://panel.example.org, or * ' +
        '(it is "panel.example.org")',
      'recado.yaml:1:82 mqtt.maximumQos: must be a whole number, 0 to 2 (it is 3)',
      'recado.yaml:1:98 mqtt.maxSessions: must be a whole number, 1 or more (it is 0)',
    ],
  ],
  [
    'http: {port: x, prt: 1}\nlog: {level: y}\n',
    [
      `recado.yaml:1:17 http.prt: is not a key; did you mean port? (allowed: ${HTTP_KEYS})`,
      'recado.yaml:1:14 http.port: must be a whole number, 0 to 65535 (it is "x")',
      'recado.yaml:2:14 log.level: must be one of debug, info, warn, error, silent (it is "y")',
    ],
  ],
];

describe('mistakes in the file', () => {
  for (const [yaml, expected] of FILE_MISTAKES) {
    it(JSON.stringify(yaml), () => assert.deepEqual(mistakes({ yaml }), expected));
  }

  it('that is no YAML are told with their place', () => {
    const [first] = mistakes({ yaml: 'http:\n  port: [1\n' });
    assert.match(first ?? '', /^recado\.yaml:\d+:\d+: this is not YAML: /);
  });

  it('that does not exist, is a folder', () => {
    const missing = loadConfig(HUB_CONFIG, { environment: {}, folder, file: 'nowhere.yaml' });
    assert.deepEqual(missing, {
      ok: false,
      failure: [{ where: 'nowhere.yaml', message: 'does not exist' }],
    });
    const notFile = loadConfig(HUB_CONFIG, { environment: { RECADO_CONFIG: folder }, folder });
    assert.deepEqual(notFile.ok ? [] : notFile.failure.map((each) => each.message), [
      'is a folder, not a file',
    ]);
  });

  it('stay mistakes where the environment overrides the key', () => {
    const found = mistakes({ yaml: 'http: {port: x}\n', environment: { RECADO_HTTP_PORT: '1' } });
    assert.deepEqual(found, ['recado.yaml:1:14 http.port: must be a whole number, 0 to 65535 (it is "x")']);
  });

  it('with too many aliases are refused, not expanded', () => {
    const bomb = [
      'a: &a [x, x]',
      ...'bcdefghij'.split('').map((n, i) => `${n}: &${n} [*${'abcdefghij'[i]}, *${'abcdefghij'[i]}]`),
    ];
    const found = mistakes({ yaml: `http:\n  tokens: [&z [y], ${'*z, '.repeat(200)}*z]\n` });
    assert.match(found[0] ?? '', /^recado\.yaml:2:11 http\.tokens: cannot be read: Excessive alias count/);
    assert.equal(mistakes({ yaml: `${bomb.join('\n')}\n` }).length, 10);
  });
});

describe('mistakes in the environment and in flags', () => {
  const cases: readonly (readonly [Record<string, string>, readonly string[]])[] = [
    [{ RECADO_HTTP_PORT: 'abc' }, ['RECADO_HTTP_PORT: must be a whole number, 0 to 65535 (it is "abc")']],
    [{ RECADO_HTTP_PORT: '' }, ['RECADO_HTTP_PORT: must be a whole number, 0 to 65535 (it is empty)']],
    [{ RECADO_INSECURE: 'yes' }, ['RECADO_INSECURE: must be true or false (it is "yes")']],
    [
      { RECADO_HTTP_PROT: '1' },
      ['RECADO_HTTP_PROT: is not a variable that Recado knows; did you mean RECADO_HTTP_PORT?'],
    ],
    [
      { RECADO_PORT: '1' },
      ['RECADO_PORT: is not a variable that Recado knows; did you mean RECADO_HTTP_PORT?'],
    ],
    [
      { RECADO_XYZZY_MAGIC: '1' },
      ['RECADO_XYZZY_MAGIC: is not a variable that Recado knows; docs/config.md lists all'],
    ],
    [
      { RECADO_HTTP_TRUSTED_NETWORKS: '10.0.0.0/8,home' },
      [
        'RECADO_HTTP_TRUSTED_NETWORKS (item 2): must be a network or an address, as 10.0.0.0/8 or 10.0.0.7 (it is "home")',
      ],
    ],
    [
      { RECADO_HTTP_TOKENS: 'short' },
      [`RECADO_HTTP_TOKENS (item 1): must be ${TOKEN_RULE} (it is hidden, 5 characters)`],
    ],
    [
      { RECADO_GATEWAYS_SOCKET_DEVICE_TOKENS: 'lamp' },
      [`RECADO_GATEWAYS_SOCKET_DEVICE_TOKENS (lamp): must be ${TOKEN_RULE} (it is empty)`],
    ],
    ...['4f0c9d1e2b3a48576f6e', 'NGYwYzlkMWUyYjNhNDg1=', 'NGYwYzlkMWUyYjNhNDg1NzY=='].map(
      (token) =>
        [
          { RECADO_GATEWAYS_SOCKET_DEVICE_TOKENS: token },
          [
            `RECADO_GATEWAYS_SOCKET_DEVICE_TOKENS (a pair without =): must be ${TOKEN_RULE} (it is ${
              token.endsWith('==') ? 'hidden, 1 character' : 'empty'
            })`,
          ],
        ] as const,
    ),
    [
      { RECADO_HTTP_TOKENS: TOKEN, RECADO_HTTP_TOKENS_FILE: '/x' },
      ['RECADO_HTTP_TOKENS: is set, and RECADO_HTTP_TOKENS_FILE too; keep one of them'],
    ],
    [
      { RECADO_HTTP_TOKENS_FILE: '/nowhere/tokens' },
      ['RECADO_HTTP_TOKENS_FILE: names a file: /nowhere/tokens does not exist'],
    ],
  ];
  for (const [environment, expected] of cases) {
    it(JSON.stringify(environment), () => assert.deepEqual(mistakes({ environment }), expected));
  }

  it('name the flag, once even where it sets two keys', () => {
    const flags = ['http.host', 'gateways.socket.host'].map((path) => ({
      flag: '--host',
      path,
      text: 'a b',
    }));
    assert.deepEqual(mistakes({ flags }), [
      '--host: must be an IP address or a host name, as 127.0.0.1 (it is "a b")',
    ]);
  });
});
