import { once } from 'node:events';
import { connect } from 'node:net';
import { encodePacket } from '../src/mqtt/codec/encode-packet.ts';
import type { ControlPacket } from '../src/mqtt/codec/decode-packet.ts';
import { PacketWriter } from '../src/mqtt/codec/writer.ts';

/*
 * The other client of `mqtt-churn`: subscribes and unsubscribes 1,000 times a second, each time with another filter, on
 * the port that it is given. Told SIGTERM, it prints how many changes a second there were.
 */

const CHANGES_PER_SECOND = 1000;
const TICK_MS = 1;

/** Under the topics of the load; none of them matches one. */
const CHURNED_FILTERS: readonly ((index: number) => string)[] = [
  (index) => `load/other-${index}`,
  (index) => `load/other-${index}/#`,
  (index) => `load/+/state-${index}`,
  (index) => `$share/group/load/other-${index}/+`,
];

function encoded(packet: ControlPacket): Buffer {
  const writer = new PacketWriter();
  encodePacket(writer, packet, 4);
  return Buffer.from(writer.bytes());
}

const socket = connect({ port: Number(process.argv[2]), host: '127.0.0.1', noDelay: true });
await once(socket, 'connect');
// CONNECT of MQTT 3.1.1 with Clean Session and the Client Identifier "churn".
socket.write(Buffer.from('101100044d515454040200000005636875726e', 'hex'));
await once(socket, 'data');
socket.resume();
process.stdout.write('ready\n');

const startedAt = performance.now();
let changes = 0;

const timer = setInterval(() => {
  const due = ((performance.now() - startedAt) / 1000) * CHANGES_PER_SECOND;
  for (; changes < due; changes++) {
    const topicFilter = CHURNED_FILTERS[changes % CHURNED_FILTERS.length]!(changes);
    const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const subscriptions = [{ topicFilter, ...options }];
    const subscribe = encoded({ type: 'subscribe', packetId: 1, properties: {}, subscriptions });
    const unsubscribe = encoded({
      type: 'unsubscribe',
      packetId: 2,
      properties: {},
      topicFilters: [topicFilter],
    });
    socket.write(Buffer.concat([subscribe, unsubscribe]));
  }
}, TICK_MS);

process.once('SIGTERM', () => {
  clearInterval(timer);
  const perSecond = changes / ((performance.now() - startedAt) / 1000);
  process.stdout.write(`changes ${perSecond.toFixed(0)}\n`);
  socket.end();
});
