import type { RecadoServer } from './servers/recado.ts';

/** Something that one peer may send without an end. */
export type Flood = {
  readonly name: string;
  readonly port: (hub: RecadoServer) => number;
  /** Whether each piece is a datagram; else they are a stream. */
  readonly isUdp?: boolean;
  /** Sent once, before the flood. */
  readonly greeting?: () => Buffer;
  /** The next piece; `index` counts up, also over connections. */
  readonly piece: (index: number) => Buffer;
  /** Whether each piece is a connection's last: the peer then comes anew. */
  readonly isLastOfConnection?: boolean;
};

const PIECE_BYTES = 65_536;
const MQTT_5 = 5;

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u16(bytes.length), bytes]);
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** A Variable Byte Integer. */
function variable(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.from(bytes);
}

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first]), variable(body.length), body]);
}

function connect(properties: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.from([0, 4, 77, 81, 84, 84, MQTT_5, 2, 0, 0]);
  return packet(0x10, head, variable(properties.length), properties, text(''));
}

function publish(topicName: string, payload: Buffer | string = '', first = 0x30, packetId?: number): Buffer {
  const id = packetId === undefined ? [] : [u16(packetId)];
  return packet(first, text(topicName), ...id, Buffer.from([0]), Buffer.from(payload));
}

function subscribe(filters: readonly string[]): Buffer {
  const each = filters.map((filter) => Buffer.concat([text(filter), Buffer.from([0])]));
  return packet(0x82, u16(1), Buffer.from([0]), ...each);
}

function unsubscribe(filters: readonly string[]): Buffer {
  return packet(0xa2, u16(2), Buffer.from([0]), ...filters.map(text));
}

function userProperties(bytes: number): Buffer {
  const one = Buffer.concat([Buffer.from([0x26]), text('k'), text('')]);
  return Buffer.concat(Array.from({ length: Math.floor(bytes / one.length) }, () => one));
}

/** Pieces of about `bytes`, of parts that may differ: part `n` of all. */
function repeated(part: (n: number) => Buffer, bytes = PIECE_BYTES): Flood['piece'] {
  const count = Math.max(1, Math.floor(bytes / part(0).length));
  return (index) => Buffer.concat(Array.from({ length: count }, (_, at) => part(index * count + at)));
}

/** The same piece again and again: made once. */
function constant(piece: Buffer): Flood['piece'] {
  const bytes = repeated(() => piece)(0);
  return () => bytes;
}

const mqtt = (name: string, piece: Flood['piece'], ...greeting: readonly Buffer[]): Flood => ({
  name: `MQTT: ${name}`,
  port: (hub) => hub.port,
  greeting: () => Buffer.concat([connect(), ...greeting]),
  piece,
});

const levels = (count: number, last: string): string => `${'a/'.repeat(count - 1)}${last}`;
/** Filters whose first ten levels are a choice of `a` and `+`, and whose last never comes: a match visits all. */
const storm = Array.from({ length: 1000 }, (_, index) => {
  const choice = Array.from(index.toString(2).padStart(10, '0'), (bit) => (bit === '0' ? 'a/' : '+/'));
  return `${choice.join('')}${'a/'.repeat(53)}z`;
});
const fewFilters = Array.from({ length: 500 }, (_, index) => `+/${index}/#`);
const payload = 'x'.repeat(64);

const MQTT_FLOODS: readonly Flood[] = [
  mqtt('PINGREQ', constant(Buffer.from([0xc0, 0]))),
  mqtt('PUBLISH to nobody', constant(publish('flood/a', payload))),
  mqtt(
    'PUBLISH to its own subscription, which is not read',
    constant(publish('flood/a', payload)),
    subscribe(['flood/#']),
  ),
  mqtt(
    'PUBLISH to ever new topics of 128 levels',
    repeated((n) => publish(levels(128, String(n)))),
  ),
  mqtt(
    'PUBLISH against 1,000 filters of 64 levels',
    repeated((n) => publish(levels(64, String(n)))),
    subscribe(storm.slice(0, 500)),
    subscribe(storm.slice(500)),
  ),
  mqtt(
    'retained messages of ever new topics',
    repeated((n) => publish(`kept/${n}`, payload, 0x31)),
  ),
  mqtt(
    'SUBSCRIBE to # with 5,000 retained messages',
    constant(subscribe(['#'])),
    ...Array.from({ length: 5000 }, (_, index) => publish(`kept/${index}`, payload, 0x31)),
  ),
  mqtt(
    'QoS 2 that is never released',
    repeated((n) => publish('flood/b', payload, 0x34, (n % 65_535) + 1)),
  ),
  mqtt(
    'SUBSCRIBE and UNSUBSCRIBE',
    constant(Buffer.concat([subscribe(fewFilters), unsubscribe(fewFilters)])),
  ),
  mqtt(
    'SUBSCRIBE to ever new filters',
    repeated((n) => subscribe([`new/${n}/+/#`])),
  ),
  mqtt(
    'PUBLISH with 60 KB of user properties',
    ((properties: Buffer) =>
      constant(packet(0x30, text('flood/c'), variable(properties.length), properties)))(
      userProperties(60_000),
    ),
  ),
  mqtt('PUBLISH of 8 MB', constant(publish('flood/d', Buffer.alloc(8_000_000))), subscribe(['flood/#'])),
  {
    ...mqtt('CONNECT with 120 KB of user properties', () => Buffer.alloc(0)),
    greeting: () => Buffer.alloc(0),
    piece: (
      (whole: Buffer) => () =>
        whole
    )(connect(userProperties(120_000))),
    isLastOfConnection: true,
  },
];

const HTTP_HEAD = 'Host: localhost\r\nContent-Type: application/json\r\n';

const http = (name: string, piece: Flood['piece']): Flood => ({
  name: `HTTP: ${name}`,
  port: (hub) => hub.ports.http,
  piece,
});

function post(path: string, body: string): Buffer {
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${HTTP_HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
}

const COMMAND = '/api/v1/devices/nobody/commands/on';

const HTTP_FLOODS: readonly Flood[] = [
  http('GET in a pipeline', constant(Buffer.from(`GET /api/v1/devices HTTP/1.1\r\n${HTTP_HEAD}\r\n`))),
  http('openapi.json in a pipeline', constant(Buffer.from(`GET /openapi.json HTTP/1.1\r\n${HTTP_HEAD}\r\n`))),
  http('deep JSON bodies', constant(post(COMMAND, `{"input":${'['.repeat(20_000)}${']'.repeat(20_000)}}`))),
  http('wide JSON bodies', constant(post(COMMAND, `{"input":[${'{},'.repeat(15_000)}0]}`))),
  http('a header without an end', constant(Buffer.from('x'.repeat(1000)))),
];

/** A frame as a client sends it, with a mask that changes nothing. */
function frame(first: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | content.length, 0, 0, 0, 0]), content]);
}

const webSocket = (name: string, piece: Flood['piece']): Flood => ({
  name: `WebSocket: ${name}`,
  port: (hub) => hub.webSocket?.port ?? 0,
  greeting: () =>
    Buffer.concat([
      Buffer.from(
        'GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
      ),
      frame(0x82, connect()),
    ]),
  piece,
});

const WEB_SOCKET_FLOODS: readonly Flood[] = [
  webSocket('pings', constant(frame(0x89, Buffer.from('ping')))),
  webSocket(
    'PINGREQ, a byte in a frame',
    constant(Buffer.concat([frame(0x82, Buffer.from([0xc0])), frame(0x82, Buffer.from([0]))])),
  ),
];

const socket = (name: string, piece: Flood['piece'], greeting = ''): Flood => ({
  name: `device: ${name}`,
  port: (hub) => hub.ports.tcp,
  greeting: () => Buffer.from(greeting),
  piece,
});

const FRAMED_HELLO = '{"recado":2,"id":"flood","description":{"commands":{"a":{}}}}\n';

const SOCKET_FLOODS: readonly Flood[] = [
  socket('nested literals', constant(Buffer.from("{'1':")), 'Conexão'),
  socket('a wide description', constant(Buffer.from(`{'1':{'x':[${'{},'.repeat(20_000)}0]}}`)), 'Conexão'),
  socket('answers to nothing', constant(Buffer.from("{'Resposta': 'ok'}")), 'Conexão'),
  socket(
    'framed descriptions',
    constant(
      Buffer.from(
        `{"recado":2,"id":"bomb","description":{"commands":{"a":{"input":{"examples":[${'{},'.repeat(20_000)}{}]}}}}}\n`,
      ),
    ),
  ),
  socket('framed lines of nothing', constant(Buffer.from('\n')), FRAMED_HELLO),
  socket('framed readings', constant(Buffer.from('{"telemetry":{"t":1}}\n')), FRAMED_HELLO),
];

const datagrams = (name: string, piece: Buffer): Flood => ({
  name: `datagrams: ${name}`,
  port: (hub) => hub.ports.udp,
  isUdp: true,
  piece: () => piece,
});

const DATAGRAM_FLOODS: readonly Flood[] = [
  datagrams('readings of nobody', Buffer.from("{'Temperatura': '25°C', 'Válido': True}")),
  datagrams('60 KB of nested literals', Buffer.from("{'1':".repeat(12_000))),
];

/** The ways in which one peer may load the hub. */
export const FLOODS: readonly Flood[] = [
  ...MQTT_FLOODS,
  ...WEB_SOCKET_FLOODS,
  ...HTTP_FLOODS,
  ...SOCKET_FLOODS,
  ...DATAGRAM_FLOODS,
];
