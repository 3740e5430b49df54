import { WheelTimer } from '../../base/timer-wheel.ts';
import { version } from '../../base/version.ts';
import { SYS_PREFIX } from '../topics/topic-name.ts';
import type { Engine } from './engine.ts';
import { publishMessage } from './publish-message.ts';

/** Publishes what the broker counts under `$SYS/broker`, retained, and only what has changed. */
export class SysTopics {
  readonly #engine: Engine;
  readonly #connections: ReadonlySet<unknown>;
  readonly #last = new Map<string, string>();
  readonly #timer = new WheelTimer(() => this.#publishAll());

  constructor(engine: Engine, connections: ReadonlySet<unknown>) {
    this.#engine = engine;
    this.#connections = connections;
  }

  start(): void {
    if (this.#engine.options.sysTopicIntervalMs > 0) this.#publishAll();
  }

  stop(): void {
    this.#engine.wheel.clear(this.#timer);
  }

  #publishAll(): void {
    const engine = this.#engine;
    for (const [topic, value] of Object.entries(valuesOf(engine, this.#connections.size)))
      this.#publish(topic, String(value));
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

/** By topic below `$SYS/broker/`: names that monitoring programs of other brokers know. */
function valuesOf(engine: Engine, connected: number): Record<string, string | number> {
  const { stats, sessions } = engine;
  let dropped = 0;
  for (const count of Object.values(stats.dropped)) dropped += count;
  return {
    version: `recado ${version}`,
    uptime: Math.floor((engine.clock.now() - engine.startedAtMs) / 1000),
    'clients/connected': connected,
    'clients/total': sessions.size,
    'clients/disconnected': Math.max(0, sessions.size - connected),
    'clients/expired': stats.sessionsExpired,
    'connections/refused': stats.connectionsRefused + stats.connectsRefused,
    'connections/taken-over': stats.connectionsTakenOver,
    'bytes/received': stats.bytesReceived,
    'bytes/sent': stats.bytesSent,
    'publish/messages/received': stats.publishReceived,
    'publish/messages/sent': stats.publishSent,
    'publish/messages/dropped': dropped,
    'publish/messages/denied': stats.publishDenied,
    'retained messages/count': engine.retained.count,
    'subscriptions/count': engine.subscriptions.size,
  };
}
