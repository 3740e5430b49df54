import type { Bus, BusEvent, BusMessage } from '../bus/bus.ts';
import type { ClientBusOptions } from '../bus/bus-options.ts';
import { RecadoError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import type { PreparedDevice } from './definition.ts';
import type { Link, LinkListener, Report, ReportStatus } from './link.ts';
import { pause } from '../base/waiting.ts';
import { formatHubAddress, type LinkOptions } from './options.ts';
import { RunningCommands, writeOutput } from './running-commands.ts';
import type { DeviceStateReason } from './state.ts';

const REASONS: Readonly<Record<string, DeviceStateReason>> = {
  BROKER_UNREACHABLE: 'hub-unreachable',
  BROKER_REFUSED: 'refused',
  BROKER_LOST: 'connection-lost',
};
const NONE = new Uint8Array(0);

/** The way to a hub by an MQTT broker: topics below `recado/devices/{id}/`. */
export class BrokerLink implements Link {
  readonly #device: PreparedDevice;
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  readonly #below: string;
  readonly #commands: RunningCommands;
  #bus: Bus | undefined;
  #isSubscribed = false;
  /** Described, and said that it is there, over the connection that stands. */
  #isOnline = false;

  constructor(device: PreparedDevice, options: LinkOptions, listener: LinkListener) {
    this.#device = device;
    this.#options = options;
    this.#listener = listener;
    this.#below = `${options.mqttPrefix}/devices/${device.id}`;
    this.#commands = new RunningCommands(device.commands, options, {
      output: (id, output) => {
        const text = writeOutput(output, options.maxLineBytes, (json) => json);
        this.#publish(`answers/${id}`, text);
      },
      failure: (id, { code, message, status }) => {
        const error = { code, message, ...(status !== undefined && { status }) };
        this.#publish(`answers/${id}`, JSON.stringify({ error }));
      },
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const denied = await this.#stay(signal);
      if (signal.aborted || denied === undefined) return;
      const { clock, maxBackoffMs: retryInMs } = this.#options;
      const message = `${denied.message}.`;
      this.#listener.onState({ status: 'waiting', reason: 'refused', message, retryInMs });
      await pause(clock, retryInMs, signal);
    }
  }

  /** Connects, and reconnects, until it is stopped, or the broker denies what a device needs. */
  async #stay(signal: AbortSignal): Promise<Error | undefined> {
    this.#listener.onState({
      status: 'connecting',
      reason: 'starting',
      message: `Connecting to ${this.#hub}.`,
    });
    // The client is loaded only by those who need it.
    const { connectBus } = await import('../bus/client-bus.ts');
    const bus = await connectBus(this.#options.hub.broker!, this.#busOptions);
    this.#bus = bus;
    const unwatch = bus.watch((event) => this.#onEvent(event));
    const denied = await new Promise<Error | undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
      this.#subscribe(bus, signal).catch((error: Error) => resolve(signal.aborted ? undefined : error));
    });
    unwatch();
    this.#commands.abandonAll();
    this.#isSubscribed = false;
    if (this.#isOnline) await this.#retain(bus, 'presence', 'offline').catch(() => {});
    this.#isOnline = false;
    this.#bus = undefined;
    await bus.close();
    return denied;
  }

  report({ readings, event, at, isLate }: Report): ReportStatus {
    const bus = this.#bus;
    if (bus === undefined || !this.#isOnline || !bus.takesMore) return 'queued';
    if (event !== undefined) {
      this.#publish(`events/${event.name}`, event.data ?? '', at);
      return 'sent';
    }
    if (readings === undefined) return 'dropped';
    const text = JSON.stringify(at === undefined ? readings : { readings, at });
    // Late ones come in numbers, and were promised.
    if (isLate) this.#publish('telemetry', text);
    else if (!bus.send({ topicName: `${this.#below}/telemetry`, payload: Buffer.from(text) }).ok)
      return 'queued';
    return 'sent';
  }

  get #busOptions(): ClientBusOptions {
    const { token, tls, clock, random, connectTimeoutMs, localAddress } = this.#options;
    const { minBackoffMs: reconnectMinMs, maxBackoffMs: reconnectMaxMs, maxOutboxBytes } = this.#options;
    const { id } = this.#device;
    return {
      clientId: id!,
      will: {
        topicName: `${this.#below}/presence`,
        payload: Buffer.from('offline'),
        qos: 1,
        retain: true,
      },
      waitsForConnection: false,
      ...(token !== undefined && { user: id!, password: token }),
      ...(tls?.ca !== undefined && { tls: { ca: tls.ca } }),
      ...(localAddress !== undefined && { localAddress }),
      connectTimeoutMs,
      reconnectMinMs,
      reconnectMaxMs,
      maxQueuedBytes: maxOutboxBytes,
      clock,
      random,
    };
  }

  /** A broker that is away is waited for. */
  async #subscribe(bus: Bus, signal: AbortSignal): Promise<void> {
    const options = { qos: 1, signal, timeoutMs: 2_147_483_647 } as const;
    await Promise.all([
      bus.subscribe(`${this.#below}/commands/+/+`, options, (message) => this.#onCommand(message)),
      bus.subscribe(`${this.#below}/cancel/+`, options, ({ topicName }) =>
        this.#commands.cancel(lastLevel(topicName)),
      ),
    ]);
    this.#isSubscribed = true;
    if (bus.isConnected) await this.#come(bus);
  }

  #onEvent(event: BusEvent): void {
    if (event.type === 'connected') {
      // The first time the subscriptions are still on their way.
      if (this.#bus !== undefined && this.#isSubscribed) void this.#come(this.#bus);
      return;
    }
    if (event.type !== 'lost' && event.type !== 'retrying') return;
    this.#isOnline = false;
    this.#commands.abandonAll();
    const { error } = event;
    const code = error instanceof RecadoError ? error.code : '';
    const reason = REASONS[code] ?? 'connect-failed';
    const message = `${error.message}.`;
    if (event.type === 'lost') this.#listener.onState({ status: 'connecting', reason, message });
    else this.#listener.onState({ status: 'waiting', reason, message, retryInMs: event.retryInMs });
  }

  /** Says what it is and that it is there, once for each connection. */
  async #come(bus: Bus): Promise<void> {
    try {
      await this.#retain(bus, 'description', JSON.stringify(this.#device.description));
      await this.#retain(bus, 'presence', 'online');
    } catch (error) {
      // The next connection says it again.
      if (bus.isConnected) this.#options.onError(error);
      return;
    }
    if (!bus.isConnected || this.#isOnline) return;
    this.#isOnline = true;
    this.#listener.onAccepted(this.#device.id!);
    this.#listener.onState({ status: 'online', reason: 'accepted', message: `Connected to ${this.#hub}.` });
  }

  #onCommand({ topicName, payload, properties }: BusMessage): void {
    const [name = '', id = ''] = topicName.slice(`${this.#below}/commands/`.length).split('/');
    const text = Buffer.from(payload).toString();
    const said = (what: string): string | undefined =>
      properties.userProperties?.find(([key]) => key === what)?.[1];
    const deadline = said('deadline-ms');
    const deadlineMs = deadline === undefined ? undefined : Number(deadline);
    const input = text === '' ? undefined : parseJson(text);
    this.#commands.begin(id, { name, input, deadlineMs, traceparent: said('traceparent') });
  }

  #retain(bus: Bus, rest: string, text: string): Promise<unknown> {
    return bus.publish({
      topicName: `${this.#below}/${rest}`,
      payload: Buffer.from(text),
      qos: 1,
      retain: true,
    });
  }

  #publish(rest: string, text: string, at?: string): void {
    const payload = text === '' ? NONE : Buffer.from(text);
    const properties = at === undefined ? {} : { userProperties: [['at', at] as const] };
    this.#bus
      ?.publish({ topicName: `${this.#below}/${rest}`, payload, qos: 1, properties })
      .catch((error: unknown) => this.#options.onError(error));
  }

  get #hub(): string {
    return formatHubAddress(this.#options.hub);
  }
}

function lastLevel(topicName: string): string {
  return topicName.slice(topicName.lastIndexOf('/') + 1);
}
