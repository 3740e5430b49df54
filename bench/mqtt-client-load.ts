import { parseArgs } from 'node:util';
import { connect } from 'mqtt';
import { connectMqtt } from '../src/mqtt/client/client.ts';

/* The client of `mqtt-client`: does one work with one of the two clients, and prints what it cost as JSON. */

const { values } = parseArgs({
  options: {
    client: { type: 'string', default: '' },
    work: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    messages: { type: 'string', default: '' },
  },
});

/** Few enough that all that is made of them fits the young generation, which this process starts with. */
const COUNTED_MESSAGES = 20_000;
/** Publishes that wait for an acknowledgement. */
const WINDOW = 100;
const topicName = 'devices/thermometer-1/temperature';
const payload = Buffer.alloc(64, 'x');
const url = `mqtt://127.0.0.1:${values.port}`;

/** Sends or receives so many messages. */
type Work = (messages: number) => Promise<void>;

async function openOwn(): Promise<Record<string, Work>> {
  let left = 0;
  let onDone = (): void => {};
  let onRoom = (): void => {};
  const client = await connectMqtt(url, {
    protocolVersion: 5,
    onMessage: ({ payload: bytes }) => {
      left -= bytes.length === payload.length ? 1 : 0;
      if (left === 0) onDone();
    },
    onEvent: ({ type }) => {
      if (type === 'room') onRoom();
    },
  });
  const receive = (qos: 0 | 1) => (messages: number) =>
    new Promise<void>((resolve) => {
      left = messages;
      onDone = resolve;
      void client.subscribe(`send/${qos}/${messages}`, { qos });
    });
  return {
    'send QoS 0': async (messages) => {
      for (let count = 0; count < messages; count++) {
        if (!client.takesMore) await new Promise<void>((resolve) => (onRoom = resolve));
        if (!client.send({ topicName, payload }).ok) throw new Error('it was not sent');
      }
      await client.publish({ topicName, payload, qos: 1 });
    },
    'send QoS 1': (messages) => inWindow(messages, () => client.publish({ topicName, payload, qos: 1 })),
    'receive QoS 0': receive(0),
    'receive QoS 1': receive(1),
  };
}

async function openMqttJs(): Promise<Record<string, Work>> {
  let left = 0;
  let onDone = (): void => {};
  const client = connect(url, { protocolVersion: 5 });
  await new Promise<void>((resolve) => void client.once('connect', () => resolve()));
  client.on('message', (_topic, bytes) => {
    left -= bytes.length === payload.length ? 1 : 0;
    if (left === 0) onDone();
  });
  const publish = (qos: 0 | 1): Promise<unknown> => client.publishAsync(topicName, payload, { qos });
  const receive = (qos: 0 | 1) => (messages: number) =>
    new Promise<void>((resolve) => {
      left = messages;
      onDone = resolve;
      client.subscribe(`send/${qos}/${messages}`, { qos });
    });
  return {
    'send QoS 0': async (messages) => {
      await inWindow(messages, () => publish(0));
      await publish(1);
    },
    'send QoS 1': (messages) => inWindow(messages, () => publish(1)),
    'receive QoS 0': receive(0),
    'receive QoS 1': receive(1),
  };
}

async function inWindow(messages: number, publish: () => Promise<unknown>): Promise<void> {
  let left = messages;
  const goOn = async (): Promise<void> => {
    while (left > 0) {
      left--;
      await publish();
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, goOn));
}

/** What was made, on the heap and beside it: nothing of it is collected meanwhile. */
function madeBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const works = await (values.client === 'recado' ? openOwn() : openMqttJs());
const work = works[values.work];
if (work === undefined) throw new Error(`there is no work ${values.work}`);
const messages = Number(values.messages);
await work(Math.ceil(messages / 4));
const cpuBefore = process.cpuUsage();
const start = performance.now();
await work(messages);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
globalThis.gc?.();
const before = madeBytes();
await work(COUNTED_MESSAGES);
const garbageBytes = (madeBytes() - before) / COUNTED_MESSAGES;
process.stdout.write(
  `${JSON.stringify({ perSecond: messages / seconds, cpuUs: (user + system) / messages, garbageBytes })}\n`,
);
process.exit(0);
