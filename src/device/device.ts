import { RecadoError } from '../base/errors.ts';
import { findValueFault, type MetricValue } from '../devices/reading.ts';
import {
  prepareDevice,
  type DeviceDefinition,
  type EventArguments,
  type EventDefinitions,
  type InputSchemas,
  type MetricDefinitions,
  type PreparedDevice,
  type ReadingsOf,
} from './definition.ts';
import { BrokerLink } from './broker-link.ts';
import { FramedLink } from './framed-link.ts';
import type { Link, LinkListener, Report, ReportStatus } from './link.ts';
import {
  requireHubAddress,
  resolveOptions,
  type ConnectionOptions,
  type HubAddress,
  type LinkOptions,
} from './options.ts';
import { PlainLink } from './plain-link.ts';
import type { DeviceState, StateChange } from './state.ts';

/** A device: what `createDevice` makes. Started, it stays connected to its hub until it is stopped. */
export class Device<Metrics = MetricDefinitions, Events = EventDefinitions> {
  readonly protocol: 1 | 2;
  readonly #prepared: PreparedDevice;
  readonly #options: LinkOptions;
  readonly #watchers = new Set<(state: DeviceState) => void>();
  #hub: HubAddress;
  #id: string | undefined;
  #state: DeviceState;
  #run: { readonly stop: AbortController; readonly ended: Promise<void>; readonly link: Link } | undefined;
  /** Reports that wait for the hub, the oldest first. */
  #kept: Report[] = [];
  #droppedReports = 0;

  /** @throws {RecadoError} `DESCRIPTION_INVALID` or `CONFIG_INVALID`, saying what is wrong and where */
  constructor(definition: DeviceDefinition<InputSchemas, MetricDefinitions>, options: ConnectionOptions) {
    this.protocol = options.protocol ?? 2;
    this.#prepared = prepareDevice(definition, this.protocol);
    this.#options = resolveOptions(options);
    this.#hub = this.#options.hub;
    requireProtocol(this.protocol, this.#hub);
    this.#id = this.protocol === 2 ? definition.id : undefined;
    this.#state = { ...NOT_STARTED, since: this.#options.clock.now(), retryInMs: 0 };
    if (options.onState !== undefined) this.watch(options.onState);
  }

  /** Its id at the hub: its own in version 2; in version 1 the one that the hub gave last. */
  get id(): string | undefined {
    return this.#id;
  }

  get state(): DeviceState {
    return this.#state;
  }

  get hub(): HubAddress {
    return this.#hub;
  }

  /** Reports that could not be sent and were not kept, since the device was made. */
  get droppedReports(): number {
    return this.#droppedReports;
  }

  /** Reports that wait until the hub can be reached. */
  get queuedReports(): number {
    return this.#kept.length;
  }

  /** Calls with each new state, until the returned function is called. */
  watch(watcher: (state: DeviceState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Connects, and from then on reconnects by itself. Started already, it goes on as it was, unless another
   * `hub` is given.
   *
   * @returns the first state that is `online`, or `offline` when it was stopped before; never rejects
   * @throws {RecadoError} `CONFIG_INVALID` when `hub` is no address
   */
  start({ hub }: { hub?: string } = {}): Promise<DeviceState> {
    if (hub !== undefined) {
      const address = requireHubAddress(hub);
      requireProtocol(this.protocol, address);
      const { host, port, broker } = this.#hub;
      const isSame = address.host === host && address.port === port && address.broker === broker;
      this.#hub = address;
      if (!isSame) this.#abort();
    }
    if (this.#run === undefined) this.#begin();
    return new Promise((resolve) => {
      const look = (state: DeviceState): void => {
        if (state.status !== 'online' && state.status !== 'offline') return;
        this.#watchers.delete(look);
        resolve(state);
      };
      this.#watchers.add(look);
      look(this.#state);
    });
  }

  /** Disconnects, and ends reconnecting. Commands that run are told by their signal. `start` begins anew. */
  async stop(): Promise<void> {
    const ended = this.#run?.ended;
    this.#abort();
    this.#setState({ status: 'offline', reason: 'stopped', message: 'Stopped.' });
    await ended;
  }

  /**
   * Sends readings, by metric. While the hub cannot be reached, version 2 keeps them with their times, up to
   * `maxQueuedReports`; version 1, where readings carry no time, drops them.
   *
   * @param options - `at`: when they were read; now when absent
   */
  report(readings: ReadingsOf<Metrics>, options: { at?: Date } = {}): ReportStatus {
    const valid = this.#checkReadings(readings);
    if (valid === undefined) return this.#drop();
    return this.#send({ readings: valid, unavailable: '', at: this.#timeOf(options.at), isLate: false });
  }

  /**
   * Tells that something happened, by the name that the definition gives it. While the hub cannot be reached, events
   * are kept, in order with the readings. Version 1 has no words for it: `dropped`.
   *
   * @param rest - the data, by the schema of the event; then `at`: when it happened, now when absent
   */
  emit<Name extends keyof Events & string>(name: Name, ...rest: EventArguments<Events[Name]>): ReportStatus {
    const [data, options] = rest;
    if (this.protocol === 1) return this.#drop();
    const text = this.#writeData(name, data);
    if (text === false) return this.#drop();
    const event = { name, data: text };
    return this.#send({
      readings: undefined,
      unavailable: '',
      event,
      at: this.#timeOf(options?.at),
      isLate: false,
    });
  }

  /** Version 1: says that there is nothing to report, and why. Version 2 has no words for it: `dropped`. */
  reportUnavailable(reason: string): ReportStatus {
    if (this.protocol === 2) return 'dropped';
    return this.#send({ readings: undefined, unavailable: reason, at: undefined, isLate: false });
  }

  #begin(): void {
    const stop = new AbortController();
    const options = { ...this.#options, hub: this.#hub };
    const listener: LinkListener = {
      onState: (change) => {
        if (!stop.signal.aborted) this.#setState(change);
      },
      onAccepted: (id) => {
        if (stop.signal.aborted) return;
        const isNew = id !== this.#id;
        this.#id = id;
        if (isNew && this.#state.status === 'online') this.#setState(this.#state);
      },
    };
    const parts = [this.#prepared, options, listener] as const;
    const isByBroker = this.#hub.broker !== undefined;
    const framed = isByBroker ? BrokerLink : FramedLink;
    const link = this.protocol === 1 ? new PlainLink(...parts) : new framed(...parts);
    const ended = link.run(stop.signal);
    this.#run = { stop, ended, link };
  }

  #abort(): void {
    this.#run?.stop.abort();
    this.#run = undefined;
  }

  #setState(change: StateChange): void {
    const { status, reason, message, retryInMs = 0 } = change;
    this.#state = { status, reason, message, since: this.#options.clock.now(), retryInMs };
    if (status === 'online') this.#sendKept();
    for (const watcher of this.#watchers) {
      try {
        watcher(this.#state);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  #checkReadings(readings: ReadingsOf<Metrics>): Record<string, MetricValue> | undefined {
    const valid: Record<string, MetricValue> = {};
    let count = 0;
    for (const [metric, value] of Object.entries<unknown>(readings)) {
      if (value === undefined) continue;
      const fault = findValueFault(value, this.#prepared.metrics.get(metric)?.type);
      if (fault === undefined) {
        valid[metric] = value as MetricValue;
        count++;
      } else {
        this.#options.onError(new TypeError(`${metric} ${fault}; the reading is not sent.`));
      }
    }
    return count > 0 ? valid : undefined;
  }

  /** Undefined where it is now, or cannot be told: the hub takes its own time then. */
  #timeOf(at: Date | undefined): string | undefined {
    if (at === undefined) return undefined;
    if (at instanceof Date && Number.isFinite(at.getTime())) return at.toISOString();
    this.#options.onError(new TypeError('The time of a report is no valid date; the time of now is taken.'));
    return undefined;
  }

  /** The data of an event as JSON, undefined for none; false, and the fault is told, when it cannot be sent. */
  #writeData(name: string, data: unknown): string | undefined | false {
    try {
      if (!this.#prepared.events.has(name)) throw new TypeError('the definition has no such event');
      const text = JSON.stringify(data) as string | undefined;
      if (text === undefined && data !== undefined) throw new TypeError('its data is no JSON value');
      // The name, the time and the members around them are shorter.
      if (text !== undefined && Buffer.byteLength(text) > this.#options.maxLineBytes - MAX_AROUND_DATA_BYTES)
        throw new RangeError(`it would take more than ${this.#options.maxLineBytes} bytes`);
      return text;
    } catch (error) {
      this.#options.onError(new Error(`The event ${name} cannot be sent.`, { cause: error }));
      return false;
    }
  }

  #send(report: Report): ReportStatus {
    if (this.#kept.length > 0) {
      this.#keep(report);
      this.#sendKept();
      return this.#kept.length > 0 ? 'queued' : 'sent';
    }
    const status = this.#run?.link.report(report) ?? (this.protocol === 2 ? 'queued' : 'dropped');
    if (status === 'queued') return this.#keep(report);
    return status === 'dropped' ? this.#drop() : status;
  }

  #keep(report: Report): ReportStatus {
    if (this.#options.maxQueuedReports === 0) return this.#drop();
    const at = report.at ?? new Date(this.#options.clock.now()).toISOString();
    this.#kept.push({ ...report, at, isLate: true });
    if (this.#kept.length > this.#options.maxQueuedReports) {
      this.#kept.shift();
      this.#drop();
    }
    return 'queued';
  }

  #drop(): 'dropped' {
    this.#droppedReports++;
    return 'dropped';
  }

  #sendKept(): void {
    const link = this.#run?.link;
    let sent = 0;
    while (sent < this.#kept.length && link?.report(this.#kept[sent] as Report) === 'sent') sent++;
    if (sent > 0) this.#kept.splice(0, sent);
  }
}

/** @throws {RecadoError} `CONFIG_INVALID` */
function requireProtocol(protocol: 1 | 2, { broker }: HubAddress): void {
  if (broker === undefined || protocol === 2) return;
  throw new RecadoError(
    'CONFIG_INVALID',
    'A device of version 1 of the socket protocol cannot come over MQTT.',
  );
}

const MAX_AROUND_DATA_BYTES = 256;
const NOT_STARTED = { status: 'offline', reason: 'not-started', message: 'Not started.' } as const;

/** What a device is, to be made several times: `createDevice({ ...definition, id: 'other' })`. Only its types matter here. */
export function defineDevice<
  const Schemas extends InputSchemas,
  const Metrics extends MetricDefinitions = MetricDefinitions,
  const Events extends EventDefinitions = EventDefinitions,
>(definition: DeviceDefinition<Schemas, Metrics, Events>): DeviceDefinition<Schemas, Metrics, Events> {
  return definition;
}

/**
 * Makes a device out of what it is and where its hub is. `start` connects it.
 *
 * @throws {RecadoError} `DESCRIPTION_INVALID` or `CONFIG_INVALID`, saying what is wrong and where
 */
export function createDevice<
  const Schemas extends InputSchemas,
  const Metrics extends MetricDefinitions = MetricDefinitions,
  const Events extends EventDefinitions = EventDefinitions,
>(device: DeviceDefinition<Schemas, Metrics, Events> & ConnectionOptions): Device<Metrics, Events> {
  return new Device<Metrics, Events>(device as DeviceDefinition<InputSchemas, MetricDefinitions>, device);
}
