import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { FLOODS } from './floods.ts';

/* The peer of `event-loop`: sends one flood to one port for some seconds, and comes again when it is sent away. */

const TICK_MS = 10;
/** A hub that sends it away at once is asked again, but not without end. */
const AGAIN_MS = 10;
const DATAGRAMS_AT_ONCE = 64;

const { values } = parseArgs({
  options: {
    flood: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    seconds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '100000000' },
  },
});

const flood = FLOODS.find(({ name }) => name === values.flood);
if (flood === undefined) throw new Error(`there is no flood ${values.flood}`);
const ending = performance.now() + Number(values.seconds) * 1000;
const start = performance.now();
let sent = 0;
let connections = 0;
let index = 0;

const isOver = (): boolean => performance.now() >= ending;

/** Bytes that may have been sent by now. */
function allowance(): number {
  return ((performance.now() - start) / 1000) * Number(values.rate);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Resolves when `event` or the socket's end comes; after a second too, so that a hub that reads nothing ends no run. */
function happens(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      socket.off(event, end).off('close', end);
      resolve();
    };
    const timer = setTimeout(end, 1000);
    socket.once(event, end).once('close', end);
  });
}

async function sendUntilClosed(socket: Socket): Promise<void> {
  const greeting = flood?.greeting?.();
  if (greeting !== undefined && greeting.length > 0) socket.write(greeting);
  while (!socket.destroyed && !isOver()) {
    if (sent > allowance()) {
      await pause(TICK_MS);
      continue;
    }
    const piece = flood?.piece(index++) ?? Buffer.alloc(0);
    sent += piece.length;
    if (!socket.write(piece)) await happens(socket, 'drain');
    if (flood?.isLastOfConnection === true) socket.destroy();
  }
}

async function sendDatagrams(port: number): Promise<void> {
  const socket = createSocket('udp4');
  while (!isOver()) {
    while (sent > allowance()) await pause(TICK_MS);
    const sending = Array.from({ length: DATAGRAMS_AT_ONCE }, async () => {
      const piece = flood?.piece(index++) ?? Buffer.alloc(0);
      sent += piece.length;
      await new Promise((resolve) => {
        socket.send(piece, port, '127.0.0.1', resolve);
      });
    });
    await Promise.all(sending);
  }
  socket.close();
}

async function sendStreams(port: number): Promise<void> {
  while (!isOver()) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await happens(socket, 'connect');
    connections++;
    // What it is answered is thrown away: its own subscriptions would else hold it back.
    socket.resume();
    await sendUntilClosed(socket);
    sent -= socket.writableLength;
    socket.destroy();
    await pause(AGAIN_MS);
  }
}

await (flood.isUdp === true ? sendDatagrams : sendStreams)(Number(values.port));
process.stdout.write(
  `${JSON.stringify({ sent, connections, seconds: (performance.now() - start) / 1000 })}\n`,
);
