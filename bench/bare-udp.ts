import { createSocket } from 'node:dgram';

/*
 * What the hub's reception of datagrams is held against: a Node UDP socket that counts and keeps the last datagram,
 * reading nothing in it. Prints its port; prints what it has seen when its standard input ends.
 */

const RECEIVE_BUFFER_BYTES = 4_194_304;
const QUIET_MS = 300;

let received = 0;
let last: Buffer = Buffer.alloc(0);
const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
socket.on('message', (message) => {
  received++;
  last = message;
});
socket.bind(0, '127.0.0.1', () => process.stdout.write(`port ${socket.address().port}\n`));

process.stdin.resume().once('end', () => reportWhenQuiet(received));

/** What was sent may still wait in the socket's buffer: only a quiet moment shows that all of it was read. */
function reportWhenQuiet(before: number): void {
  setTimeout(() => (received === before ? report() : reportWhenQuiet(received)), QUIET_MS);
}

function report(): void {
  const usage = process.cpuUsage();
  const cpuSeconds = (usage.user + usage.system) / 1e6;
  process.stdout.write(`${JSON.stringify({ received, last: last.toString(), cpuSeconds })}\n`, () =>
    process.exit(0),
  );
}
