import type { Bus, BusMessage, Subscription } from '../../bus/bus.ts';
import { ERROR_TABLE } from '../../base/errors.ts';
import { fail, type Result } from '../../base/result.ts';
import type { Failure } from '../../devices/failure.ts';
import type { Invocation } from '../../devices/invocation.ts';
import { BROKER_PARTY } from '../device-broker.ts';
import { devicesBelow, deviceTopic, readDeviceTopic } from './device-topics.ts';
import { readMessageValue, userProperty } from './message-value.ts';
import type { MqttGatewayContext } from './mqtt-context.ts';

/** Whom commands of other programs go to; the hub is one. */
export type DeviceCaller = {
  begin(
    deviceId: string,
    command: string,
    options: {
      readonly input: unknown;
      readonly timeoutMs: number | undefined;
      readonly caller: string;
      readonly principal: string;
    },
  ): Result<Invocation, Failure>;
  cancel(invocation: Invocation): void;
};

/** Commands that others publish for devices of other gateways. */
export class ExportedCommands {
  readonly #bus: Bus;
  readonly #context: MqttGatewayContext;
  readonly #caller: DeviceCaller;
  readonly #below: string;
  /** By device and the id that whoever asked has given. */
  readonly #running = new Map<string, Invocation>();

  constructor(parts: {
    readonly bus: Bus;
    readonly context: MqttGatewayContext;
    readonly caller: DeviceCaller;
  }) {
    this.#bus = parts.bus;
    this.#context = parts.context;
    this.#caller = parts.caller;
    this.#below = devicesBelow(parts.context.options.prefix);
  }

  /**
   * Takes those for one device. A filter for all devices would be a subscriber of commands to devices over MQTT too,
   * and hide that nobody else is.
   */
  async take(deviceId: string, signal: AbortSignal): Promise<Subscription[]> {
    const { prefix } = this.#context.options;
    const on = (kind: 'commands' | 'cancel', rest: string, take: (message: BusMessage) => void) =>
      this.#bus.subscribe(deviceTopic(prefix, deviceId, kind, rest), { qos: 1, signal }, take);
    const commands = await on('commands', '+/+', (message) => this.#onCommand(message));
    try {
      return [commands, await on('cancel', '+', (message) => this.#onCancel(message))];
    } catch (error) {
      await commands.unsubscribe();
      throw error;
    }
  }

  #onCommand(message: BusMessage): void {
    const topic = readDeviceTopic(this.#below, message.topicName);
    // A command that the broker kept was for somebody before.
    if (topic === undefined || message.retain) return;
    const [command = '', id = ''] = topic.rest.split('/');
    const key = `${topic.deviceId}/${id}`;
    // Said twice; the first is running.
    if (this.#running.has(key)) return;
    const begun = this.#begin(topic.deviceId, command, message);
    const correlation = message.properties.correlationData;
    if (!begun.ok) return this.#answer(topic.deviceId, id, errorOf(begun.failure), correlation);
    this.#running.set(key, begun.value);
    begun.value.whenDone(({ state, output, failure }) => {
      this.#running.delete(key);
      const answer = state === 'completed' ? (output ?? null) : errorOf(failure);
      this.#answer(topic.deviceId, id, answer, correlation);
    });
  }

  #begin(deviceId: string, command: string, message: BusMessage): Result<Invocation, Failure> {
    const read = readMessageValue(message, this.#context.options);
    if (!read.ok) return fail({ code: 'INPUT_INVALID', message: `The input ${read.failure.why}.` });
    const { clients } = this.#context;
    const { from } = message;
    const isKnown = clients !== undefined && from !== undefined;
    const deadline = Number(userProperty(message, 'deadline-ms'));
    return this.#caller.begin(deviceId, command, {
      input: read.value,
      timeoutMs: Number.isInteger(deadline) && deadline > 0 ? deadline : undefined,
      caller: isKnown ? clients.partyOf(from) : BROKER_PARTY,
      principal: isKnown ? clients.identify(from).id : BROKER_PARTY,
    });
  }

  #onCancel({ topicName }: BusMessage): void {
    const topic = readDeviceTopic(this.#below, topicName);
    const invocation = this.#running.get(`${topic?.deviceId}/${topic?.rest}`);
    if (invocation !== undefined) this.#caller.cancel(invocation);
  }

  /** Never on a Response Topic: the hub would publish there what its asker may not. */
  #answer(deviceId: string, id: string, value: unknown, correlationData: Uint8Array | undefined): void {
    const topicName = deviceTopic(this.#context.options.prefix, deviceId, 'answers', id);
    const properties = correlationData === undefined ? {} : { correlationData };
    const payload = Buffer.from(JSON.stringify(value));
    this.#bus.publish({ topicName, payload, qos: 1, properties }).catch(() => {});
  }
}

function errorOf(failure: Failure | undefined): object {
  const { code = 'INTERNAL', message = 'The invocation ended without a reason.', device } = failure ?? {};
  return {
    error: { code: device?.code ?? code, message, status: device?.status ?? ERROR_TABLE[code].status },
  };
}
