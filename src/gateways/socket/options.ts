import { Type, type DeepReadonly, type Static } from '../../config/type.ts';
import { bytes, count, host, identityFiles, ms, networks, port, TOKEN } from '../../config/leaf.ts';

/** What a device may call itself: `isDeviceId` of the model, in the words of JSON Schema. */
const DEVICE_ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$';

/** What the socket gateway can be told: the section `gateways.socket` of a configuration. */
export const SOCKET_OPTIONS = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether devices may come over plain TCP and UDP.' }),
    host: host('Address that TCP and UDP listen on.'),
    tcpPort: port({ default: 5050, description: 'TCP port for devices; 0 takes any free port.' }),
    udpPort: port({ default: 5060, description: 'UDP port for their readings; 0 takes any free port.' }),
    trustedNetworks: networks(
      'Devices from these networks or addresses need no token. Where `deviceTokens` are set, none unless they are written here.',
    ),
    deviceTokens: Type.Record(Type.String({ pattern: DEVICE_ID_PATTERN }), Type.String(TOKEN), {
      additionalProperties: false,
      maxProperties: 100_000,
      default: {},
      secret: true,
      mapOf: 'device id to token',
      nameOf: 'a device id: 1 to 64 of A-Z a-z 0-9 . _ : -',
      description: 'Tokens of framed (version 2) devices, by device id.',
    }),
    proxyProtocolNetworks: networks(
      'Load balancers before `tcpPort` and `tls.port`: each connection must come from one of these, and begin with a header of the ' +
        'PROXY protocol. Empty expects none. Datagrams have no such header.',
      [],
    ),
    tls: Type.Object(
      {
        enabled: Type.Boolean({ default: false, description: 'Whether devices may come over TLS.' }),
        host: host('Address that it listens on.'),
        port: port({ default: 5051, description: 'TCP port; 0 takes any free port.' }),
        ...identityFiles('the hub'),
      },
      {
        additionalProperties: false,
        description:
          'Devices over TLS, on a port of its own. Files are read anew when they change; new connections get what is new.',
      },
    ),
    maxConnections: count({ default: 10_000, description: 'Most connections at once.' }),
    maxConnectionsPerAddress: count({
      default: 10_000,
      description: 'Most connections at once from one address.',
    }),
    maxMessageBytes: bytes({
      default: 65_536,
      description: 'Largest message of a plain (version 1) device.',
    }),
    maxCommandBytes: bytes({
      default: 2048,
      description:
        'Largest command to a plain (version 1) device; many read no more than 2048 bytes at once.',
    }),
    maxLineBytes: bytes({ default: 262_144, description: 'Longest line of a framed (version 2) device.' }),
    maxNestingDepth: Type.Integer({
      minimum: 1,
      maximum: 256,
      default: 32,
      description: 'Deepest nesting of lists and dictionaries in a message.',
    }),
    handshakeTimeoutMs: ms({ default: 5000, description: 'Time for a new connection to say who it is.' }),
    messageTimeoutMs: ms({ default: 5000, description: 'Time for a message that has begun to be complete.' }),
    keepAliveMs: ms({ default: 3000, description: 'How often a plain device is asked whether it is there.' }),
    keepAliveTimeoutMs: ms({ default: 5000, description: 'Time for a device to answer that it is there.' }),
    answerTimeoutMs: ms({ default: 5000, description: 'Time for a plain device to answer a command.' }),
    datagramWaitMs: ms({
      default: 2000,
      description: 'How long a read over UDP waits for the next datagram.',
    }),
    framedKeepAliveMs: ms({
      default: 15_000,
      description: 'Silence of a framed device after which it is pinged.',
    }),
    maxInFlightInvocations: count({
      default: 256,
      description:
        'Most commands at once in one framed device; an eighth is kept for callers that have none.',
    }),
    maxOutboxBytes: bytes({
      default: 1_048_576,
      description: 'Most bytes waiting to be sent to one device.',
    }),
    receiveBufferBytes: bytes({
      default: 4_194_304,
      description: 'Receive buffer asked of the system for UDP.',
    }),
  },
  { additionalProperties: false, description: 'The gateway for devices over plain TCP and UDP.' },
);

/** What the socket gateway can be told, every key present and checked. */
export type SocketGatewayOptions = DeepReadonly<Static<typeof SOCKET_OPTIONS>>;

/** Questions about its other connection that one connection may ask. */
export const MAX_CHECKS_PER_CONNECTION = 16;
/** Messages that nobody asked for, before a connection is closed as broken. */
export const MAX_UNASKED_MESSAGES = 16;
/** Reads that wait for one device's next datagram. */
export const MAX_DATAGRAM_WAITERS = 1024;
/** Causes that the log tells once each. */
export const MAX_TOLD_CAUSES = 1000;
/** Addresses whose old device ids are kept for their return. */
export const MAX_REMEMBERED_ADDRESSES = 10_000;
