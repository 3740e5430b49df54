import { WheelTimer } from '../../base/timer-wheel.ts';
import { version } from '../../base/version.ts';
import { SYS_PREFIX } from '../topics/topic-name.ts';
import type { Engine } from './engine.ts';
import { FIGURES } from './figures.ts';
import { LoadAverages } from './load-averages.ts';
import { publishMessage } from './publish-message.ts';
import { packetsSentOf, type BrokerStats } from './stats.ts';

/** Publishes what the broker counts under `$SYS/broker`, retained, and only what has changed. */
export class SysTopics {
  readonly #engine: Engine;
  readonly #loads: ReadonlyMap<string, LoadAverages>;
  readonly #last = new Map<string, string>();
  readonly #timer = new WheelTimer(() => this.#publishAll());

  constructor(engine: Engine) {
    this.#engine = engine;
    const nowMs = engine.clock.monotonic();
    this.#loads = new Map(Object.keys(LOADS).map((topic) => [topic, new LoadAverages(nowMs)]));
  }

  start(): void {
    if (this.#engine.options.sysTopicIntervalMs > 0) this.#publishAll();
  }

  stop(): void {
    this.#engine.wheel.clear(this.#timer);
  }

  #publishAll(): void {
    const engine = this.#engine;
    this.#publish('version', `recado ${version}`);
    for (const { topic, unit, read } of FIGURES) {
      const text = unit === undefined ? `${read(engine)}` : `${read(engine)} ${unit}`;
      this.#publish(topic, text);
      const oldName = OLD_NAMES[topic];
      if (oldName !== undefined) this.#publish(oldName, text);
    }
    this.#publish('publish/messages/dropped', `${droppedOf(engine.stats)}`);
    const nowMs = engine.clock.monotonic();
    for (const [topic, averages] of this.#loads) {
      for (const [minutes, average] of averages.update(LOADS[topic]!(engine.stats), nowMs))
        this.#publish(`load/${topic}/${minutes}min`, average.toFixed(2));
    }
    engine.wheel.set(this.#timer, engine.clock.monotonic() + engine.options.sysTopicIntervalMs);
  }

  #publish(topic: string, text: string): void {
    if (this.#last.get(topic) === text) return;
    this.#last.set(topic, text);
    const topicName = `${SYS_PREFIX}broker/${topic}`;
    const payload = Buffer.from(text);
    publishMessage(
      this.#engine,
      { topicName, payload, qos: 0, retain: true, properties: {} },
      this.#engine.hooks,
    );
  }
}

/** Mosquitto tells them by both names, and dashboards read either. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  'clients/connected': 'clients/active',
  'clients/disconnected': 'clients/inactive',
};

/** What loads are made of, by topic below `load/`. */
const LOADS: Readonly<Record<string, (stats: BrokerStats) => number>> = {
  'messages/received': (stats) => stats.packetsReceived,
  'messages/sent': packetsSentOf,
  'publish/received': (stats) => stats.publishReceived,
  'publish/sent': (stats) => stats.publishSent,
  'publish/dropped': droppedOf,
  'bytes/received': (stats) => stats.bytesReceived,
  'bytes/sent': (stats) => stats.bytesSent,
  sockets: (stats) => stats.connectionsAccepted,
  connections: (stats) => stats.connectsReceived,
};

function droppedOf({ dropped }: BrokerStats): number {
  let sum = 0;
  for (const count of Object.values(dropped)) sum += count;
  return sum;
}
