import { systemClock, type Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Broker } from '../../mqtt/broker/broker.ts';
import {
  NO_DIRECTORY_COUNTS,
  NO_SERVICE_COUNTS,
  type DirectoryCounters,
  type ServiceCounters,
} from '../../services/hub/service-directory.ts';
import {
  NO_SERVICE_HUB_COUNTS,
  ServiceHub,
  type ServiceHubCounters,
} from '../../services/hub/service-hub.ts';
import type { Config } from '../config/config-schema.ts';
import { openHubBus } from '../hub-bus.ts';

type HubServicesOptions = {
  readonly services: Config['services'];
  /** Address of the MQTT broker; empty for the one in this process. */
  readonly brokerUrl: string;
  readonly broker: Broker | undefined;
  /** What running requests get when the hub stops. */
  readonly drainMs: number;
};

/** For metrics. */
type HubServicesCounters = ServiceCounters & ServiceHubCounters & DirectoryCounters;

const NO_COUNTS: HubServicesCounters = {
  ...NO_SERVICE_COUNTS,
  ...NO_SERVICE_HUB_COUNTS,
  ...NO_DIRECTORY_COUNTS,
};

/** The services of a hub, with the bus that they need. */
export class HubServices {
  readonly #options: HubServicesOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  #bus: Bus | undefined;
  #serviceHub: ServiceHub | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: HubServicesOptions, parts: { log: Logger; clock?: Clock | undefined }) {
    this.#options = options;
    this.#log = parts.log;
    this.#clock = parts.clock ?? systemClock;
  }

  /** Undefined before `start`, and where there is no broker. */
  get serviceHub(): ServiceHub | undefined {
    return this.#serviceHub;
  }

  /** Undefined before `start`, and where there is no broker. */
  get isConnected(): boolean | undefined {
    return this.#bus?.isConnected;
  }

  /** Sums over all services that there have been; zeros where there is no broker. */
  get counters(): HubServicesCounters {
    const directory = this.#serviceHub?.directory;
    return {
      ...NO_COUNTS,
      ...this.#serviceHub?.counters,
      ...directory?.counters,
      ...directory?.serviceCounters,
    };
  }

  /** @throws {BusError} `CONFIG_INVALID` when the address of the broker is none */
  async start(): Promise<readonly []> {
    const { services, brokerUrl, broker } = this.#options;
    const { enabled: _1, agents: _2, hosts: _3, sameOrigin: _4, topicPrefix, ...limits } = services;
    this.#bus = await openHubBus({ url: brokerUrl, embedded: broker, log: this.#log });
    if (this.#bus === undefined) return [];
    const parts = { bus: this.#bus, topicPrefix, log: this.#log, clock: this.#clock };
    const serviceHub = new ServiceHub({ ...parts, ...limits });
    this.#serviceHub = serviceHub;
    // A broker that is away must not keep the hub from starting.
    serviceHub.start().catch((error: unknown) => {
      if (this.#stopping === undefined)
        this.#log.error({ err: error }, `services cannot be offered: ${(error as Error).message}`);
    });
    return [];
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#serviceHub?.stop(this.#options.drainMs);
    await this.#bus?.close();
  }
}
