import type { Accounts } from '../accounts/accounts.ts';
import { Alarms } from '../base/alarms.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import type { Ledger } from '../base/ledger.ts';
import { LogBudget } from '../base/log-budget.ts';
import type { Logger } from '../base/logger.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import type { Command } from '../devices/command.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { EventFeed } from '../devices/events.ts';
import type { Failure } from '../devices/failure.ts';
import type { InvocationBook } from '../devices/invocation-book.ts';
import type { InvocationRecord } from '../devices/invocation-record.ts';
import type { Invocation } from '../devices/invocation.ts';
import type { Gateway, ListeningAddress } from '../gateways/gateway.ts';
import type { Broker } from '../mqtt/broker/broker.ts';
import {
  HubInvocations,
  type InvocationOptions,
  type InvokeOptions,
  type LastingInvocation,
  type LastingOptions,
} from './hub-invocations.ts';
import type { History } from './history.ts';
import type { ExternalBroker } from './hub-bus.ts';
import type { HubStores } from './hub-stores.ts';
import type { MqttServer } from './mqtt/mqtt-server.ts';
import type { HubServices } from './services/hub-services.ts';

/** Why a command was not carried out; with the invocation, unless there was nothing to invoke. */
export type InvokeFailure = Failure & { readonly invocation?: Invocation | InvocationRecord };

type HubParts = {
  readonly accounts: Accounts;
  readonly ledger: Ledger;
  readonly feed: EventFeed;
  readonly history: History | undefined;
  readonly devices: DeviceRegistry;
  readonly gateways: readonly Gateway[];
  readonly mqtt?: MqttServer | undefined;
  readonly services?: HubServices | undefined;
  readonly stores?: HubStores | undefined;
  readonly externalBroker?: () => ExternalBroker | undefined;
  readonly book: InvocationBook;
  readonly invocations: InvocationOptions;
  readonly log: Logger;
  readonly clock?: Clock;
};

type HubPart = { start(): Promise<readonly ListeningAddress[]>; stop(): Promise<void> };

/** Devices and their gateways, and the MQTT broker. The one way to a device for every face: `invoke`. */
export class Hub {
  /** What peers make it keep. */
  readonly ledger: Ledger;
  /** What happens at devices, for every face that tells it. */
  readonly feed: EventFeed;
  /** What was read before; undefined where none is kept. */
  readonly history: History | undefined;
  /** Who may do what. */
  readonly accounts: Accounts;
  readonly devices: DeviceRegistry;
  readonly gateways: readonly Gateway[];
  /** Undefined when the hub is no MQTT broker. */
  readonly mqtt: MqttServer | undefined;
  /** Undefined when the hub has no services. */
  readonly services: HubServices | undefined;
  /** Undefined when the hub keeps everything in memory. */
  readonly stores: HubStores | undefined;
  /** Connections that did not get as far as the face that they were for, by its listener, and by reason. */
  readonly refusals = new Map<string, Readonly<Record<string, number>>>();
  /** Where it listens, as long as it does; whoever opens a listener notes it here. */
  readonly listening: ListeningAddress[] = [];
  /** What runs, and what became of what ended. */
  readonly book: InvocationBook;
  readonly #externalBroker: HubParts['externalBroker'];
  readonly #invocations: HubInvocations;
  readonly #log: Logger;
  readonly #logBudget: LogBudget;

  constructor(parts: HubParts) {
    this.ledger = parts.ledger;
    this.feed = parts.feed;
    this.history = parts.history;
    this.accounts = parts.accounts;
    this.devices = parts.devices;
    this.gateways = parts.gateways;
    this.mqtt = parts.mqtt;
    this.services = parts.services;
    this.stores = parts.stores;
    this.#externalBroker = parts.externalBroker;
    const { accounts, ledger, devices, book, log, clock = systemClock } = parts;
    this.book = book;
    const alarms = new Alarms(clock);
    const { invocations: options } = parts;
    this.#invocations = new HubInvocations({ accounts, devices, book, ledger, alarms, options });
    this.#log = log;
    this.#logBudget = new LogBudget(clock, log);
    this.devices.observe((device, presence) => {
      this.#logBudget.write(
        'devices that came and went',
        { device: device.id, gateway: device.gateway, status: presence.status, reason: presence.reason },
        `device ${device.id} is ${presence.status}: ${presence.reason}`,
        device.party.key,
      );
    });
  }

  /** Begins to listen everywhere. When one part cannot, the others are stopped again and its error is thrown. */
  async start(): Promise<readonly ListeningAddress[]> {
    await this.stores?.start();
    this.history?.start();
    await this.#invocations.restore();
    const parts = this.#parts;
    for (const [index, part] of parts.entries()) {
      try {
        this.listening.push(...(await part.start()));
      } catch (error) {
        await Promise.all(parts.slice(0, index).map((started) => started.stop()));
        await this.history?.stop();
        await this.stores?.stop();
        throw error;
      }
    }
    return this.listening;
  }

  /** The MQTT broker in this process; undefined when the hub is none. */
  get broker(): Broker | undefined {
    return this.mqtt?.broker;
  }

  /** How it stands with the broker of `mqtt.external`; undefined where there is none, or nobody goes over it. */
  get externalBroker(): ExternalBroker | undefined {
    return this.#externalBroker?.();
  }

  /** Lines of its log that did not get as far as a reader or a disk; 0 where the log does not count them. */
  get lostLogLines(): number {
    return this.#log.lost?.() ?? 0;
  }

  /** Lines that its log left out because there were too many of their kind, by kind. */
  get withheldLogLines(): Iterable<[kind: string, lines: number]> {
    return this.#log.withheld ?? [];
  }

  /** Takes no more commands. Who waits for one that waits for its device is told that it goes on. */
  stopInvocations(): void {
    this.#invocations.stop();
  }

  async stop(): Promise<void> {
    this.stopInvocations();
    await Promise.all(this.#parts.map((part) => part.stop()));
    await this.history?.stop();
    await this.stores?.stop();
    this.#logBudget.close();
  }

  /**
   * Invokes a command and waits for its end. Never rejects: the invocation that completed, with its output, or what
   * went wrong.
   *
   * @param command - its name; or a command of the caller's own making, for devices that judge numbers themselves
   */
  invoke(
    deviceId: string,
    command: string | Command,
    options: InvokeOptions = {},
  ): Promise<Result<Invocation, InvokeFailure>> {
    const begun = this.begin(deviceId, command, options);
    if (!begun.ok) return Promise.resolve(begun);
    const { signal } = options;
    const leave = (): void => this.cancel(begun.value);
    if (signal?.aborted === true) leave();
    else signal?.addEventListener('abort', leave, { once: true });
    return new Promise((resolve) => {
      begun.value.whenDone((invocation) => {
        signal?.removeEventListener('abort', leave);
        resolve(readEnd(invocation));
      });
    });
  }

  /** Like `invoke`, without waiting: the caller follows the invocation itself, with `whenDone` and `cancel`. */
  begin(
    deviceId: string,
    command: string | Command,
    options: InvokeOptions = {},
  ): Result<Invocation, Failure> {
    return this.#invocations.begin(deviceId, command, options);
  }

  /** Like `begin`, of one that goes on when its caller leaves, and may wait for its device. */
  beginLasting(
    deviceId: string,
    command: string,
    options: LastingOptions,
  ): Result<LastingInvocation, Failure> {
    return this.#invocations.beginLasting(deviceId, command, options);
  }

  /** The caller leaves: nobody gets the answer, and the device is told where its protocol allows. */
  cancel(invocation: Invocation): void {
    this.#invocations.cancel(invocation);
  }

  /**
   * In the order of their start: who comes in is looked up among the accounts, gateways and services need the broker,
   * and nobody comes to it before the gateways hear what is said there.
   */
  get #parts(): readonly HubPart[] {
    const { accounts, gateways, mqtt, services } = this;
    const broker = mqtt && { start: () => mqtt.open(), stop: () => mqtt.stop() };
    return [accounts, broker, ...gateways, mqtt, services].filter((part) => part !== undefined);
  }
}

/** How an invocation ended, once it has. */
export function readEnd(invocation: Invocation): Result<Invocation, InvokeFailure> {
  if (invocation.state === 'completed') return succeed(invocation);
  return fail(failureOf(invocation));
}

/** Why it did not complete. */
export function failureOf(invocation: Invocation | InvocationRecord): InvokeFailure {
  const failure: Failure = invocation.failure ?? {
    code: 'INTERNAL',
    message: 'The invocation ended without a reason.',
  };
  return { ...failure, invocation };
}
