import { Broker, listenTcp, type BrokerOptions } from '../../../src/mqtt/index.ts';
import { until } from '../../helpers/until.ts';

/** The broker under test, on a port of its own, and what its hooks saw. */
export class InteropBroker {
  readonly broker: Broker;
  /** Connects by Client Identifier. */
  readonly connects = new Map<string, number>();
  readonly subscribes = new Map<string, number>();
  readonly #disconnects = new Map<string, number>();
  #port = 0;
  #stopListening: (() => Promise<void>) | undefined;

  constructor(options: BrokerOptions = {}) {
    const count = (counts: Map<string, number>, clientId: string): void =>
      void counts.set(clientId, (counts.get(clientId) ?? 0) + 1);
    const watch = {
      name: 'watch',
      onConnected: ({ clientId }: { clientId: string }) => count(this.connects, clientId),
      onSubscribed: ({ clientId }: { clientId: string }) => count(this.subscribes, clientId),
      onDisconnected: ({ clientId }: { clientId: string }) => count(this.#disconnects, clientId),
    };
    this.broker = new Broker({ ...options, hooks: [watch] });
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<this> {
    await this.broker.start();
    const listener = await listenTcp(this.broker, { port: 0, host: '127.0.0.1' });
    this.#port = listener.port;
    this.#stopListening = () => listener.close();
    return this;
  }

  async untilConnects(clientId: string, count: number): Promise<void> {
    const enough = (): boolean => (this.connects.get(clientId) ?? 0) >= count;
    await until(`${clientId} connects ${count} times`, enough, 20_000);
  }

  async untilSubscribed(clientId: string, count = 1): Promise<void> {
    const enough = (): boolean => (this.subscribes.get(clientId) ?? 0) >= count;
    await until(`${clientId} subscribes`, enough, 20_000);
  }

  /** Nobody is connected under this Client Identifier any more. */
  async untilGone(clientId: string): Promise<void> {
    const isGone = (): boolean =>
      (this.#disconnects.get(clientId) ?? 0) >= (this.connects.get(clientId) ?? 0);
    await until(`${clientId} is gone`, isGone, 20_000);
  }

  async stop(): Promise<void> {
    await this.#stopListening?.();
    await this.broker.close();
  }
}
