import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { version } from '../../base/version.ts';
import type { Bus, OutgoingMessage } from '../../bus/bus.ts';
import type { BrokerClients, DeviceBroker } from '../../gateways/device-broker.ts';
import type { Broker } from '../../mqtt/broker/broker.ts';
import { openHubBus } from '../hub-bus.ts';

type GatewayBrokerOptions = {
  /** Address of another broker; empty for the one in this process. */
  readonly url: string;
  readonly broker: Broker | undefined;
  readonly clients: BrokerClients;
  /** The topics of devices and hubs begin with it. */
  readonly prefix: string;
  readonly hubId: string;
  readonly hubUrl: string;
};

/** The one connection of all gateways to the broker, and what it says of the hub: `recado/hubs/{hubId}`. */
export class GatewayBroker implements DeviceBroker {
  readonly clients: BrokerClients | undefined;
  readonly hubId: string;
  readonly hubUrl: string;
  readonly #options: GatewayBrokerOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  #bus: Bus | undefined;
  #opening: Promise<Bus | undefined> | undefined;
  #users = 0;

  constructor(options: GatewayBrokerOptions, { log, clock }: { log: Logger; clock: Clock }) {
    this.clients = options.url === '' ? options.clients : undefined;
    this.hubId = options.hubId;
    this.hubUrl = options.hubUrl;
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
  }

  /** Undefined as long as no gateway has opened it. */
  get isConnected(): boolean | undefined {
    return this.#bus?.isConnected;
  }

  open(): Promise<Bus | undefined> {
    this.#users++;
    return (this.#opening ??= this.#open());
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    if (--this.#users > 0 || opening === undefined) return;
    const bus = await opening;
    if (bus === undefined) return;
    // With another broker its Will says it, if this does not get there.
    if (bus.isConnected) await bus.publish(this.#status('offline', this.#now())).catch(() => {});
    await bus.close();
  }

  async #open(): Promise<Bus | undefined> {
    const { url, broker: embedded } = this.#options;
    const bus = await openHubBus({ url, embedded, will: this.#status('offline', undefined), log: this.#log });
    if (bus === undefined) return undefined;
    this.#bus = bus;
    bus.watch(({ type }) => {
      if (type === 'connected') this.#tellOnline(bus);
    });
    if (bus.isConnected) this.#tellOnline(bus);
    return bus;
  }

  #tellOnline(bus: Bus): void {
    bus.publish(this.#status('online', this.#now())).catch((error: unknown) => {
      this.#log.warn(
        { err: error },
        `devices are not told that the hub is there: ${(error as Error).message}`,
      );
    });
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  /** @param since - when it became so; undefined for a Will, which does not know when it will be told */
  #status(state: 'online' | 'offline', since: string | undefined): OutgoingMessage {
    const { prefix, hubId, hubUrl } = this.#options;
    const url = hubUrl === '' ? undefined : hubUrl;
    const payload = Buffer.from(JSON.stringify({ state, since, url, version }));
    return { topicName: `${prefix}/hubs/${hubId}`, payload, qos: 1, retain: true };
  }
}
