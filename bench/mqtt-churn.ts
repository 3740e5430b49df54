import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodePacket } from '../src/mqtt/codec/encode-packet.ts';
import type { ControlPacket } from '../src/mqtt/codec/decode-packet.ts';
import { PacketWriter } from '../src/mqtt/codec/writer.ts';
import type { Bar } from './bars.ts';
import { targetOf } from './contest.ts';
import { runMqttLoad, type MqttLoadReport } from './load-tools.ts';
import { median, printTable } from './print-table.ts';
import type { BrokerServer } from './servers/broker-server.ts';
import { startRecado } from './servers/recado.ts';

const CHANGES_PER_SECOND = 1000;
const TICK_MS = 1;
const MIN_PART = 0.9;

/** Under the topics of the load; none of them matches one. */
const CHURNED_FILTERS: readonly ((index: number) => string)[] = [
  (index) => `load/other-${index}`,
  (index) => `load/other-${index}/#`,
  (index) => `load/+/state-${index}`,
  (index) => `$share/group/load/other-${index}/+`,
];

const LOADS: Readonly<Record<string, readonly string[]>> = {
  '1 topic, QoS 0': ['-w', '1000', '-n', '2000000'],
  '1,000 topics, QoS 0': ['-p', '1000', '-w', '1000', '-n', '1000000'],
};

function encoded(packet: ControlPacket): Buffer {
  const writer = new PacketWriter();
  encodePacket(writer, packet, 4);
  return Buffer.from(writer.bytes());
}

/** A client that subscribes and unsubscribes 1,000 times a second, each time with another filter. */
class ChurningClient {
  readonly #socket: Socket;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #changes = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#timer = setInterval(() => this.#catchUp(), TICK_MS);
  }

  static async start(port: number): Promise<ChurningClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    // CONNECT of MQTT 3.1.1 with Clean Session and the Client Identifier "churn".
    socket.write(Buffer.from('101100044d515454040200000005636875726e', 'hex'));
    await once(socket, 'data');
    socket.resume();
    return new ChurningClient(socket);
  }

  /** @returns how many changes a second there were */
  async stop(): Promise<number> {
    clearInterval(this.#timer);
    const perSecond = this.#changes / ((performance.now() - this.#startedAt) / 1000);
    this.#socket.end();
    await once(this.#socket, 'close');
    return perSecond;
  }

  #catchUp(): void {
    const due = ((performance.now() - this.#startedAt) / 1000) * CHANGES_PER_SECOND;
    for (; this.#changes < due; this.#changes++) {
      const topicFilter = CHURNED_FILTERS[this.#changes % CHURNED_FILTERS.length]!(this.#changes);
      const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
      const subscriptions = [{ topicFilter, ...options }];
      const subscribe = encoded({ type: 'subscribe', packetId: 1, properties: {}, subscriptions });
      const topicFilters = [topicFilter];
      const unsubscribe = encoded({ type: 'unsubscribe', packetId: 2, properties: {}, topicFilters });
      this.#socket.write(Buffer.concat([subscribe, unsubscribe]));
    }
  }
}

type Loaded = { readonly perSecond: number; readonly cpuUs: number };
type Measured = { readonly quiet: Loaded; readonly churned: Loaded; readonly changesPerSecond: number };

function mediansOf(reports: readonly MqttLoadReport[]): Loaded {
  return {
    perSecond: median(reports.map(({ perSecond }) => perSecond)),
    cpuUs: median(reports.map(({ cpuUsPerMessage }) => cpuUsPerMessage)),
  };
}

/** The two take turns, so that a busy moment of the machine meets both. */
async function measure(server: BrokerServer, args: readonly string[], rounds: number): Promise<Measured> {
  const words = [...targetOf(server), ...args];
  const quiet: MqttLoadReport[] = [];
  const churned: MqttLoadReport[] = [];
  const changes: number[] = [];
  await runMqttLoad<MqttLoadReport>(words); // warms up
  for (let round = 0; round < rounds; round++) {
    quiet.push(await runMqttLoad<MqttLoadReport>(words));
    const client = await ChurningClient.start(server.port);
    churned.push(await runMqttLoad<MqttLoadReport>(words));
    changes.push(await client.stop());
  }
  return { quiet: mediansOf(quiet), churned: mediansOf(churned), changesPerSecond: median(changes) };
}

/** What publishers lose while another client subscribes and unsubscribes, with and without an ACL. */
export async function benchMqttChurn({ rounds }: { rounds: number }): Promise<readonly Bar[]> {
  const rows: (string | number)[][] = [];
  const bars: Bar[] = [];
  for (const withAcl of [false, true]) {
    const server = await startRecado({ withAcl });
    try {
      for (const [load, args] of Object.entries(LOADS)) {
        const name = withAcl ? `${load}, an ACL` : load;
        const { quiet, churned, changesPerSecond } = await measure(server, args, rounds);
        const part = churned.perSecond / quiet.perSecond;
        const rates = [quiet.perSecond, churned.perSecond, part];
        rows.push([name, ...rates, quiet.cpuUs, churned.cpuUs, changesPerSecond]);
        bars.push({
          figure: `rate while others subscribe, ${name}`,
          met: part >= MIN_PART,
          measured: `${(part * 100).toFixed(0)} %`,
          wanted: `≥ ${MIN_PART * 100} %`,
        });
      }
    } finally {
      await server.stop();
    }
  }
  const columns = ['load', 'messages/s', 'while churned', 'part', 'CPU µs', 'while churned', 'changes/s'];
  printTable(
    `MQTT: publishing while a client subscribes and unsubscribes, medians of ${rounds}`,
    columns,
    rows,
  );
  return bars;
}
