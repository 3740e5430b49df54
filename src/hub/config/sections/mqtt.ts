import { definedMembers } from '../../../base/defined-members.ts';
import type { TSchema, TUnsafe } from 'typebox';
import { Type } from '../../../config/type.ts';
import { CLIENT_ID_TAKEOVERS, DEFAULT_BROKER_OPTIONS, NUMBER_OPTIONS } from '../../../mqtt/broker/options.ts';
import { file, host, identityFiles, networks, port } from '../../../config/leaf.ts';

type BrokerOption = keyof typeof DEFAULT_BROKER_OPTIONS;

/** What each option of the broker means. Defaults and bounds are the broker's own. */
const BROKER_TEXTS: Readonly<Record<BrokerOption, string>> = {
  receiveMaximum: 'QoS 1 and 2 messages of a client that may wait for the last word of the hub.',
  maximumQos: 'Highest QoS that clients may use.',
  retainAvailable: 'Whether messages can be retained.',
  maximumPacketSize: 'Largest packet that is accepted.',
  topicAliasMaximum: 'Most topic aliases of a connection, in each direction.',
  serverKeepAlive:
    'Longest Keep Alive: who asks for more, or for none, gets this; 0 takes what each asks for.',
  maximumSessionExpiryInterval:
    'Longest time that a session outlives its connection; 4294967295 is for ever.',
  wildcardSubscriptionAvailable: 'Whether subscriptions may have wildcards.',
  subscriptionIdentifierAvailable: 'Whether subscriptions may have identifiers.',
  sharedSubscriptionAvailable: 'Whether subscriptions may be shared (`$share/…`).',
  responseInformation: 'Told to clients that ask where they may receive answers; empty tells nothing.',
  zeroLengthClientIdAllowed: 'Whether a client may leave its client identifier to the hub.',
  maxConnections: 'Most connections of one listener at once.',
  maxConnectionsPerAddress: 'Most of these from one address.',
  maxConnectsPerSecond: 'Most new connections of one listener in a second.',
  connectTimeoutMs: 'Time for a new connection to say who it is, and to prove it.',
  maxConnectBytes: 'Largest first packet (CONNECT) of a connection.',
  maxControlPacketBytes:
    'Largest packet of any other type than CONNECT and PUBLISH, and most properties of a PUBLISH.',
  clientIdTakeover:
    'Whether a client identifier whose session has another user may be taken: `allow` ends that session, ' +
    '`same-user` refuses who comes with it. Where nothing proves user names they tell nobody apart.',
  maxInflightMessages: 'Most QoS 1 and 2 messages on their way to one client.',
  maxQueuedMessages: 'Most messages that wait for one client that is away or slow.',
  maxQueuedBytes: 'Most bytes of these.',
  queueQos0: 'Whether QoS 0 messages wait too while a client is away.',
  maxOutboxBytes: 'Most bytes that wait for a client which does not read.',
  maxSubscriptionsPerClient: 'Most subscriptions of one client.',
  maxSessions:
    'Most sessions, those of connected clients included. Beyond it the user or address that has most of them away loses the ' +
    'oldest of these, if it has more than who comes; else who comes gives one of their own, or is refused.',
  maxTotalQueuedBytes: 'Most bytes of the messages that wait for all clients together.',
  maxRetainedMessages: 'Most retained messages.',
  maxRetainedBytes: 'Most bytes of these.',
  maxUncommittedBytes:
    'Most bytes that wait for the store before who publishes more is not read any further.',
  maxTopicLevels: 'Most levels of a topic.',
  maxCachedTopics: 'Topics whose subscribers are remembered.',
  maxCachedMatches: 'Subscribers that are remembered for all of these together.',
  hookTimeoutMs: 'Time to find out whether a client is who it says.',
  sysTopicIntervalMs: 'How often the `$SYS` topics are published; 0 publishes none.',
  lingerMs:
    'Time for the last bytes to a connection that ends; a quarter of a second at most when the hub stops.',
};

/** Units that the names of the standard do not say. */
const UNITS: Readonly<Partial<Record<BrokerOption, string>>> = {
  maximumPacketSize: 'bytes',
  serverKeepAlive: 's',
  maximumSessionExpiryInterval: 's',
};

function brokerLeaf(name: BrokerOption): TSchema {
  const description = BROKER_TEXTS[name];
  const byDefault = DEFAULT_BROKER_OPTIONS[name];
  if (typeof byDefault === 'boolean') return Type.Boolean({ default: byDefault, description });
  if (name === 'clientIdTakeover')
    return Type.Enum([...CLIENT_ID_TAKEOVERS], { default: byDefault, description });
  if (typeof byDefault !== 'number')
    return Type.String({
      maxLength: 65_535,
      expected: 'a text, or empty',
      default: byDefault ?? '',
      description,
    });
  const bounds = NUMBER_OPTIONS[name];
  const named = name.endsWith('Ms') ? 'ms' : name.endsWith('Bytes') ? 'bytes' : undefined;
  const words = definedMembers({ minimum: bounds?.min, maximum: bounds?.max, unit: UNITS[name] ?? named });
  return Type.Integer({ ...words, default: byDefault, description });
}

/** The names of the broker's options, each a key of this section. */
export const BROKER_OPTIONS = Object.keys(BROKER_TEXTS) as readonly BrokerOption[];

const brokerLeaves = Object.fromEntries(BROKER_OPTIONS.map((name) => [name, brokerLeaf(name)])) as {
  /** A text where the broker has one or undefined: empty is undefined. */
  readonly [Name in BrokerOption]: TUnsafe<NonNullable<(typeof DEFAULT_BROKER_OPTIONS)[Name]>>;
};

const tls = Type.Object(
  {
    enabled: Type.Boolean({ default: false, description: 'Whether clients may come over TLS.' }),
    host: host('Address that it listens on.'),
    port: port({ default: 8883, description: 'TCP port; 0 takes any free port.' }),
    ...identityFiles('the hub'),
    caFile: file('The authorities that sign the certificates of clients, in PEM.'),
    clientCertificates: Type.Enum(['no', 'optional', 'required'], {
      default: 'no',
      description:
        'Whether clients are asked for a certificate; `required` refuses those without a good one. ' +
        'While there is no `mqtt.passwordFile`, a good one is enough to come in.',
    }),
    certificateNames: Type.Boolean({
      default: false,
      description:
        'Whether the common name of a good certificate is the user name; it needs no password then.',
    }),
  },
  {
    additionalProperties: false,
    description:
      'MQTT over TLS, on a port of its own. Files are read anew when they change; new connections get what is new.',
  },
);

const webSocket = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether clients may come over WebSocket.' }),
    path: Type.String({
      pattern: '^/[A-Za-z0-9._~/-]*$',
      maxLength: 1000,
      expected: 'a path that begins with /, as /mqtt',
      default: '/mqtt',
      description: 'The path that they ask for.',
    }),
    trustedNetworks: networks(
      'Clients from these networks or addresses need no password over WebSocket. Unless they are written here, they are those written ' +
        'in `mqtt.trustedNetworks`; where these are not written either, none as soon as there are tokens or passwords.',
    ),
    allowedOrigins: Type.Array(
      Type.String({
        pattern: '^(\\*|https?://[^/\\s]+)$',
        maxLength: 1000,
        expected: 'an origin, as https://panel.example.org, or *',
      }),
      {
        maxItems: 1000,
        default: [],
        description:
          'Web pages from elsewhere that may connect; `*` means all. Pages of the hub itself always may.',
      },
    ),
  },
  {
    additionalProperties: false,
    description:
      'MQTT over WebSocket, on the port of the HTTP server. Behind a proxy of `http.trustedProxies` clients have the address ' +
      'that it tells; behind another one, none that could be trusted.',
  },
);

export const mqtt = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description:
        'Whether the hub is an MQTT broker, and listens. With `mqtt.external` it is one only where `true` is written.',
    }),
    external: Type.String({
      maxLength: 4096,
      pattern: '^((mqtts?|wss?)://[^\\s/]+.*)?$',
      expected: 'the address of an MQTT broker, as mqtt://127.0.0.1:1883, or empty',
      default: '',
      secret: true,
      description:
        'The MQTT broker that services go over, as `mqtt://user:password@host:1883`; empty is the hub itself.',
    }),
    host: host('Address that MQTT listens on.'),
    port: port({ default: 1883, description: 'TCP port for MQTT; 0 takes any free port.' }),
    unixSocket: file('A Unix socket to listen on as well. Who may open it needs no password.'),
    unixSocketMode: Type.String({
      pattern: '^0?[0-7]{3}$',
      expected: "three digits from 0 to 7 in quotes, as '660'",
      default: '600',
      description:
        "Who may open it, as permissions of its file, whatever the umask: `'600'` the hub's own user, `'660'` its group too.",
    }),
    trustedNetworks: networks(
      'Clients from these networks or addresses need no password. Who gives a user name all the same must prove it ' +
        'where there is a `passwordFile`; with one, there are none unless they are written here.',
    ),
    passwordFile: file(
      'Users and their passwords, as `recado passwd` writes them. Without it, only clients from `trustedNetworks` or ' +
        'with a certificate may come in. It is read anew when it changes; who lost or changed a password is sent away.',
    ),
    aclFile: file(
      'Who may read and write which topics, as Mosquitto writes it. Without it, everybody who is let in may do ' +
        'everything. It is read anew when it changes.',
    ),
    proxyProtocolNetworks: networks(
      'Load balancers before `mqtt.port` and `mqtt.tls.port`: each connection must come from one of these, and begin ' +
        'with a header of the PROXY protocol. Empty expects none.',
      [],
    ),
    tls,
    webSocket,
    ...brokerLeaves,
  },
  { additionalProperties: false, description: 'The MQTT broker: versions 3.1, 3.1.1 and 5.0.' },
);
