import type { TestContext } from 'node:test';
import { Broker } from '../../src/mqtt/broker/broker.ts';
import type { BrokerOptions } from '../../src/mqtt/broker/options.ts';
import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import { MemorySessionStore } from '../../src/mqtt/session/memory-session-store.ts';
import { ManualClock } from './manual-clock.ts';
import { turnEnd, WireClient } from './mqtt-wire-client.ts';

export const SECOND_MS = 1000;
export const DAY_SECONDS = 86_400;

/** Brokers that follow one another over one store; none says goodbye. */
export class RestartRig {
  readonly store = new MemorySessionStore();
  readonly #options: BrokerOptions;
  clock = new ManualClock();
  broker: Broker;

  constructor(options: BrokerOptions = {}) {
    this.#options = { sysTopicIntervalMs: 0, store: this.store, ...options };
    this.broker = new Broker({ ...this.#options, clock: this.clock });
  }

  static async start(t: TestContext, options: BrokerOptions = {}): Promise<RestartRig> {
    const rig = new RestartRig(options);
    await rig.broker.start();
    t.after(() => rig.broker.close());
    return rig;
  }

  /** The broker is gone as if its machine had lost power, and another comes `downMs` later. */
  async crash(downMs = 0): Promise<void> {
    await turnEnd();
    this.clock = new ManualClock(this.clock.now() + downMs);
    this.broker = new Broker({ ...this.#options, clock: this.clock });
    await this.broker.start();
  }

  /** A client that comes back to its session, and whether it was there. */
  async comes(
    clientId: string,
    {
      sessionExpiryInterval = DAY_SECONDS,
      ...fields
    }: { sessionExpiryInterval?: number } & Partial<ConnectPacket> = {},
  ): Promise<{ client: WireClient; sessionPresent: boolean }> {
    const client = new WireClient(this.broker);
    const properties = { sessionExpiryInterval };
    const { sessionPresent } = await client.connect({ clientId, cleanStart: false, properties, ...fields });
    return { client, sessionPresent };
  }

  /** A client that has subscribed, in a session that is kept. */
  async subscribed(
    clientId: string,
    topicFilter = 't/#',
    sessionExpiryInterval = DAY_SECONDS,
  ): Promise<WireClient> {
    const { client } = await this.comes(clientId, { sessionExpiryInterval });
    await client.subscribe(topicFilter, { qos: 2 });
    return client;
  }
}
