import { hash } from 'node:crypto';
import type { Bus, BusMessage, Subscription } from '../../bus/bus.ts';
import { systemClock, type Clock } from '../../base/clock.ts';
import type { ErrorCode, Issue } from '../../base/errors.ts';
import type { Ledger } from '../../base/ledger.ts';
import { LogBudget } from '../../base/log-budget.ts';
import type { Logger } from '../../base/logger.ts';
import { readDescription } from '../../devices/description.ts';
import type { Device } from '../../devices/device.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import { KeptDescription } from '../../devices/kept-description.ts';
import type { EventFeed } from '../../devices/events.ts';
import type { DeviceBroker } from '../device-broker.ts';
import type { Gateway } from '../gateway.ts';
import { readAnswer } from './answer-message.ts';
import { hubOfDescription } from './description-message.ts';
import { DeviceExport } from './device-export.ts';
import type { DeviceCaller } from './exported-commands.ts';
import { MqttGatewayCounters } from './counters.ts';
import { DeviceTable } from './device-table.ts';
import { allDevices, deviceTopic, devicesBelow, readDeviceTopic, type DeviceTopic } from './device-topics.ts';
import { readMessageValue } from './message-value.ts';
import type { MqttDevice } from './mqtt-device.ts';
import type { MqttGatewayContext } from './mqtt-context.ts';
import type { MqttGatewayOptions } from './options.ts';
import { readPresenceMessage } from './presence-message.ts';

type MqttGatewayParts = {
  readonly broker: DeviceBroker;
  readonly ledger: Ledger;
  readonly registry: DeviceRegistry;
  /** For what is shown of other gateways' devices. */
  readonly feed: EventFeed;
  readonly caller: DeviceCaller;
  readonly log: Logger;
  readonly clock?: Clock;
};

/** A broker that is away is waited for. */
const SUBSCRIBE_TIMEOUT_MS = 2_147_483_647;
const NO_ROOM = 'the hub keeps as many descriptions as it may';
const NONE = new Uint8Array(0);

type OnTopic = (topic: DeviceTopic, message: BusMessage) => void;

/** Devices that speak MQTT, over the broker that the hub uses. */
export class MqttGateway implements Gateway {
  readonly name = 'mqtt';
  readonly counters = new MqttGatewayCounters() as MqttGatewayCounters & Record<string, number>;
  readonly #parts: MqttGatewayParts;
  readonly #broker: DeviceBroker;
  readonly #context: MqttGatewayContext;
  readonly #log: Logger;
  readonly #below: string;
  readonly #abort = new AbortController();
  #bus: Bus | undefined;
  #table: DeviceTable | undefined;
  #export: DeviceExport | undefined;
  #subscriptions: Subscription[] = [];
  #unwatch: () => void = () => {};

  constructor(options: MqttGatewayOptions, parts: MqttGatewayParts) {
    const { broker, ledger, registry, log, clock = systemClock } = parts;
    this.#parts = parts;
    this.#broker = broker;
    this.#log = log;
    this.#below = devicesBelow(options.prefix);
    const logBudget = new LogBudget(clock, log);
    const { counters } = this;
    this.#context = { options, ledger, registry, counters, clients: broker.clients, clock, logBudget };
    registry.observeGone((device) => {
      if (device.gateway === this.name) this.#table?.forget(device);
    });
    registry.observeForgotten((device) => this.#onForgotten(device));
  }

  async start(): Promise<readonly []> {
    const bus = await this.#broker.open();
    if (bus === undefined) return [];
    const table = new DeviceTable(bus, this.#context);
    this.#bus = bus;
    this.#table = table;
    const unwatchClients = this.#context.clients?.watch({
      onSubscribed: (client, topicFilter) => table.onSubscribed(client, topicFilter),
      onDisconnected: (client, reason) => table.onDisconnected(client, reason),
    });
    const unwatchBus = bus.watch(({ type }) => {
      // Who is there is told again when the broker is.
      if (type === 'lost') table.leaveAll('connection-failed');
    });
    this.#unwatch = () => {
      unwatchClients?.();
      unwatchBus();
    };
    if (this.#context.options.export) this.#export = this.#openExport(bus);
    const subscribing = this.#subscribe(bus);
    if (bus.isConnected) await subscribing;
    else
      subscribing.catch((error: unknown) => {
        if (!this.#abort.signal.aborted)
          this.#log.error({ err: error }, `devices cannot come over MQTT: ${(error as Error).message}`);
      });
    return [];
  }

  async stop(): Promise<void> {
    if (this.#bus === undefined) return;
    this.#bus = undefined;
    this.#unwatch();
    this.#table?.leaveAll('hub-stopping');
    const exported = this.#export?.stop();
    this.#abort.abort(new Error('the hub stops'));
    await Promise.all([exported, ...this.#subscriptions.map((subscription) => subscription.unsubscribe())]);
    this.#context.logBudget.close();
    await this.#broker.close();
  }

  #openExport(bus: Bus): DeviceExport {
    const { feed, caller } = this.#parts;
    const { hubId } = this.#broker;
    const shown = new DeviceExport({ bus, feed, caller, hubId, context: this.#context, exceptOf: this.name });
    shown.start();
    return shown;
  }

  /** In this order: a device is known before anything else of it, and all of it is heard before it is online. */
  async #subscribe(bus: Bus): Promise<void> {
    const { prefix } = this.#context.options;
    const options = { timeoutMs: SUBSCRIBE_TIMEOUT_MS, signal: this.#abort.signal, borrowsPayload: true };
    const on = async (filter: string, take: OnTopic): Promise<void> => {
      const onMessage = (message: BusMessage): void => {
        const topic = readDeviceTopic(this.#below, message.topicName);
        if (topic === undefined) this.counters.messagesUnknown++;
        // What the hub itself shows there is not read back.
        else if (topic.kind === 'description' || this.#export?.has(topic.deviceId) !== true)
          take(topic, message);
      };
      const subscription = await bus.subscribe(allDevices(prefix, filter), { ...options, qos: 1 }, onMessage);
      this.#subscriptions.push(subscription);
    };
    await Promise.all([
      on('description', ({ deviceId }, message) => this.#onDescription(deviceId, message)),
      on('answers/+', (topic, message) => this.#onAnswer(topic, message)),
      on('telemetry/#', (topic, message) => this.#onTelemetry(topic, message)),
      on('events/+', (topic, message) => this.#onEvent(topic, message)),
      on('presence', ({ deviceId }, message) => this.#onPresence(deviceId, message)),
    ]);
  }

  #onDescription(deviceId: string, message: BusMessage): void {
    const { payload, from } = message;
    if (payload.length === 0) return this.#onCleared(deviceId);
    const digest = hash('sha1', payload, 'base64');
    const known = this.#table?.get(deviceId);
    // What was refused is refused again; a device that was forgotten meanwhile is met anew.
    if (known?.digest === digest && (known.isRefused || known.device !== undefined)) {
      this.counters.descriptionsUnchanged++;
      return;
    }
    if (this.#isOwn(deviceId, message)) return;
    const other = this.#context.registry.otherGatewayOf(deviceId, this.name);
    if (other !== undefined) {
      const why = `${deviceId} is a device of the gateway ${other}, until that one is forgotten`;
      return this.#refuse(deviceId, 'DEVICE_ID_TAKEN', why);
    }
    const met = this.#table?.meet(deviceId, from);
    if (met === undefined) return this.#refuse(deviceId, 'DESCRIPTION_INVALID', NO_ROOM);
    this.#describe(met, message, digest);
    this.#table?.tidy(met);
  }

  /** Whether it is what this hub shows of a device of its own; what is left of one that it shows no more is removed. */
  #isOwn(deviceId: string, message: BusMessage): boolean {
    const read = readMessageValue(message, this.#context.options);
    if (!read.ok || hubOfDescription(read.value) !== this.#broker.hubId) return false;
    if (this.#export?.has(deviceId) !== true && message.retain) this.#removeRetained(deviceId);
    return true;
  }

  #describe(met: MqttDevice, message: BusMessage, digest: string): void {
    const { registry, ledger, options } = this.#context;
    const read = readMessageValue(message, options);
    const description = read.ok ? readDescription(read.value) : read;
    if (!description.ok) {
      met.digest = digest;
      met.isRefused = true;
      const { failure } = description;
      const why = 'why' in failure ? `it ${failure.why}` : listIssues(failure);
      return this.#refuse(met.id, 'DESCRIPTION_INVALID', why);
    }
    const party = ledger.open(this.#table!.partyOf(met.id, message.from));
    const kept = KeptDescription.keep(description.value, party);
    party.close();
    if (kept === undefined) return this.#refuse(met.id, 'DESCRIPTION_INVALID', NO_ROOM);
    this.counters.descriptionsTaken++;
    met.digest = digest;
    met.isRefused = false;
    met.describe(registry.describe(met.id, { gateway: this.name, description: kept }));
  }

  #refuse(deviceId: string, code: ErrorCode, why: string): void {
    this.counters.descriptionsRefused++;
    const text = `the description of device ${deviceId} was refused: ${why}`;
    this.#context.logBudget.write('faults of devices', { device: deviceId, code }, text, deviceId);
  }

  /** The description was taken off the broker: the device is to be forgotten. */
  #onCleared(deviceId: string): void {
    const { registry } = this.#context;
    if (registry.otherGatewayOf(deviceId, this.name) !== undefined) return;
    const known = this.#table?.get(deviceId);
    if (known?.device !== undefined) {
      known.leave('disconnected');
      registry.forget(deviceId);
      return;
    }
    if (known === undefined) return;
    known.digest = '';
    this.#table?.tidy(known);
  }

  /** Somebody wanted it: what is retained of it would bring it back. */
  #onForgotten(device: Device): void {
    if (device.gateway === this.name) this.#removeRetained(device.id);
  }

  #removeRetained(deviceId: string): void {
    for (const kind of ['description', 'presence'] as const) {
      const topicName = deviceTopic(this.#context.options.prefix, deviceId, kind);
      this.#bus?.publish({ topicName, payload: NONE, qos: 1, retain: true }).catch((error: unknown) => {
        const text = `what the broker retains of device ${deviceId} could not be removed: ${(error as Error).message}`;
        this.#log.warn({ err: error, device: deviceId }, text);
      });
    }
  }

  #onPresence(deviceId: string, { payload, from }: BusMessage): void {
    const table = this.#table!;
    const isCleared = payload.length === 0;
    const said = isCleared ? undefined : readPresenceMessage(payload);
    if (said === undefined && !isCleared) {
      this.counters.presencesInvalid++;
      return;
    }
    if (said?.hub === this.#broker.hubId) return;
    const device = isCleared ? table.get(deviceId) : table.meet(deviceId, from);
    if (device === undefined) return;
    if (from !== undefined && said?.state === 'online') table.attach(device, from);
    device.say(said, from);
    this.#hear(device);
    table.tidy(device);
  }

  #onAnswer({ deviceId, rest: invocationId }: DeviceTopic, message: BusMessage): void {
    if (message.retain) return;
    const device = this.#table!.get(deviceId);
    const invocation = device?.asked.take(invocationId);
    if (device === undefined || invocation === undefined) {
      this.counters.answersUnasked++;
      return;
    }
    this.counters.answersTaken++;
    this.#hear(device);
    // It may be here before the broker has said that it took the command.
    invocation.markSent();
    const answer = readAnswer(message, invocation, this.#context.options);
    if (answer.ok) invocation.answer(answer.value);
    else invocation.fail(answer.failure);
  }

  #onTelemetry({ deviceId, rest }: DeviceTopic, message: BusMessage): void {
    this.#onReport(
      deviceId,
      message,
      (device, value) => value !== undefined && device.reports?.takeTelemetry(message, rest, value) === true,
    );
  }

  #onEvent({ deviceId, rest }: DeviceTopic, message: BusMessage): void {
    this.#onReport(deviceId, message, (device, value) => {
      device.reports?.takeEvent(message, rest, value);
      return true;
    });
  }

  /** @param take - false for what is none */
  #onReport(
    deviceId: string,
    message: BusMessage,
    take: (device: MqttDevice, value: unknown) => boolean,
  ): void {
    const device = this.#table!.get(deviceId);
    if (device?.device === undefined) {
      this.counters.messagesUnknown++;
      return;
    }
    const read = readMessageValue(message, this.#context.options);
    if (read.ok) {
      this.#hear(device);
      if (take(device, read.value)) return;
    } else if (read.failure.isTooLarge) {
      this.counters.messagesTooLarge++;
      return;
    }
    this.counters.messagesInvalid++;
  }

  #hear({ device }: MqttDevice): void {
    if (device !== undefined) device.lastSeen = this.#context.clock.now();
  }
}

function listIssues(issues: readonly Issue[]): string {
  const [first] = issues;
  const more = issues.length > 1 ? `, and ${issues.length - 1} more` : '';
  return `${first?.pointer || 'it'} ${first?.message}${more}`;
}
