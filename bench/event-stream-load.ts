import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

/*
 * Devices that report one reading ten times a second each, and readers of their events: many that follow ten devices,
 * some that follow all, and some that read nothing. Prints `ready` when all are there, reports for a while after a line
 * came in, and prints one line of JSON: what was sent, and what the readers got.
 */

const PER_DEVICE_SECOND = 10;
const FOLLOWED = 10;
const STEP_MS = 5;
const ADDRESSES = 20;
/** With nothing new for so long, nothing more comes. */
const QUIET_MS = 3000;

const { values } = parseArgs({
  options: {
    tcp: { type: 'string', default: '5050' },
    http: { type: 'string', default: '5070' },
    devices: { type: 'string', default: '1000' },
    narrow: { type: 'string', default: '1000' },
    whole: { type: 'string', default: '20' },
    deaf: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '10' },
  },
});
const count = Number(values.devices);
let opened = 0;
const idOf = (index: number): string => `device-${index % count}`;

async function join(index: number): Promise<Socket> {
  const socket = connect({ port: Number(values.tcp), host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.write(`${JSON.stringify({ recado: 2, id: idOf(index), description: { telemetry: {} } })}\n`);
  await once(socket, 'data');
  socket.resume();
  return socket;
}

/** Counts events: each ends with an empty line. */
class Reader {
  events = 0;
  #endsInNewline = false;

  static async open(devices: readonly string[] | undefined, isDeaf = false): Promise<Reader> {
    // One address may not have all connections that there can be.
    const localAddress = `127.0.1.${(++opened % ADDRESSES) + 1}`;
    const socket = connect({ port: Number(values.http), host: '127.0.0.1', localAddress });
    const device = devices === undefined ? '' : `&device=${devices.join(',')}`;
    socket.write(`GET /api/v1/events?kind=reading${device} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    if (!head.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(head.toString('latin1'));
    const reader = new Reader();
    if (isDeaf) socket.pause();
    else socket.on('data', (bytes: Buffer) => reader.#count(bytes));
    return reader;
  }

  #count(bytes: Buffer): void {
    if (this.#endsInNewline && bytes[0] === 10) this.events++;
    for (let at = bytes.indexOf('\n\n'); at >= 0; at = bytes.indexOf('\n\n', at + 2)) this.events++;
    this.#endsInNewline = bytes.at(-1) === 10 && bytes.at(-2) !== 10;
  }
}

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
const sockets: Socket[] = [];
for (const index of range(count)) sockets.push(await join(index));
const narrow: Reader[] = [];
for (const index of range(Number(values.narrow))) {
  const ids = range(FOLLOWED).map((step) => idOf(index + step * Math.floor(count / FOLLOWED)));
  narrow.push(await Reader.open(ids));
}
const whole: Reader[] = [];
for (const _ of range(Number(values.whole))) whole.push(await Reader.open(undefined));
for (const _ of range(Number(values.deaf))) await Reader.open(undefined, true);

const sum = (readers: readonly Reader[]): number => readers.reduce((all, { events }) => all + events, 0);
// What a stream begins with may come apart from its head.
await new Promise((resolve) => setTimeout(resolve, 1000));
const before = { narrow: sum(narrow), whole: sum(whole) };
process.stdout.write('ready\n');
await once(process.stdin, 'data');

let sent = 0;
const startedAt = performance.now();
let elapsed = 0;
while (elapsed < Number(values.seconds) * 1000) {
  for (const due = Math.floor((elapsed / 1000) * count * PER_DEVICE_SECOND); sent < due; sent++)
    sockets[sent % count]!.write(`{"telemetry":{"temperature":${sent % 1000}}}\n`);
  await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  elapsed = performance.now() - startedAt;
}
process.stdout.write('sent\n');
let got = -1;
while (got !== sum(narrow) + sum(whole)) {
  got = sum(narrow) + sum(whole);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}
const report = {
  sent,
  seconds: elapsed / 1000,
  narrow: sum(narrow) - before.narrow,
  narrowExpected: sent * FOLLOWED * (narrow.length / count),
  whole: sum(whole) - before.whole,
  wholeExpected: sent * whole.length,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);
