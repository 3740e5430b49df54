import type { ErrorCode } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import type { BusClient } from '../../bus/bus.ts';
import type { Device } from '../../devices/device.ts';
import type { DeviceLink } from '../../devices/device-link.ts';
import type { Failure } from '../../devices/failure.ts';
import type { Invocation } from '../../devices/invocation.ts';
import type { PresenceReason } from '../../devices/presence.ts';
import { FIRST_FAILURE_CODE } from '../../mqtt/codec/reason-code.ts';
import { lostFailure, offlineFailure } from '../device-failures.ts';
import type { AwaitedEffects } from './awaited-effects.ts';
import type { CommandPart } from './discovery/component-part.ts';
import type { HomeAssistantContext } from './gateway-context.ts';

const MAX_IN_FLIGHT = 64;
const RETRY_SECONDS = 5;

/** The command topics of one device, for as long as it is online. */
export class HomeAssistantLink implements DeviceLink {
  readonly maxInFlight = MAX_IN_FLIGHT;
  readonly isPresumed: boolean;
  readonly #device: Device;
  readonly #findCommand: (name: string) => CommandPart | undefined;
  readonly #effects: AwaitedEffects;
  readonly #context: HomeAssistantContext;

  constructor(
    device: Device,
    parts: {
      readonly findCommand: (name: string) => CommandPart | undefined;
      readonly effects: AwaitedEffects;
      /** It has no topic that would tell that it has gone. */
      readonly isPresumed: boolean;
      readonly context: HomeAssistantContext;
    },
  ) {
    this.#device = device;
    this.#findCommand = parts.findCommand;
    this.#effects = parts.effects;
    this.isPresumed = parts.isPresumed;
    this.#context = parts.context;
  }

  invoke(invocation: Invocation): void {
    const { name } = invocation.command;
    const part = this.#findCommand(name);
    if (part === undefined)
      return invocation.fail({
        code: 'COMMAND_UNKNOWN',
        message: `Device ${this.#device.id} has no command ${name} any more.`,
      });
    const input = invocation.inputText === undefined ? undefined : parseJson(invocation.inputText);
    const payload = part.makePayload(input);
    if (!payload.ok)
      return invocation.fail({
        code: 'INPUT_INVALID',
        message: `The template of ${name} makes nothing of the input: ${payload.failure}.`,
      });
    if (part.proof !== undefined) this.#effects.add(invocation, part.proof.metric, part.proof.wants(input));
    this.#publish(invocation, part, payload.value);
  }

  cancel(invocation: Invocation): void {
    this.#effects.take(invocation);
    invocation.release();
  }

  close(_reason: PresenceReason): void {
    for (const invocation of this.#effects.takeAll()) invocation.fail(lostFailure(this.#device.id));
  }

  #publish(invocation: Invocation, part: CommandPart, payload: string): void {
    const { bus, counters } = this.#context;
    counters.commandsSent++;
    invocation.markSent();
    // At QoS 0 nobody would say whether the broker has it, or anybody for it.
    const qos = part.qos === 0 ? 1 : part.qos;
    const message = { topicName: part.topic, payload: Buffer.from(payload), qos, retain: part.retain };
    const patience = {
      timeoutMs: Math.max(1, Math.ceil(invocation.remainingMs)),
      // One who refuses it may not be the device: its effect decides, or the time.
      onAcknowledged: (_client: BusClient, reasonCode: number) => {
        if (!invocation.isEnded && reasonCode < FIRST_FAILURE_CODE) invocation.markDelivered();
      },
    };
    bus.publish(message, patience).then(
      ({ matched }) => this.#onTaken(invocation, part, matched),
      (error: unknown) => this.#onUnsent(invocation, error as Error & { readonly code?: ErrorCode }),
    );
  }

  #onTaken(invocation: Invocation, part: CommandPart, matched: boolean | undefined): void {
    if (matched === false && !part.retain) {
      this.#context.counters.commandsUnheard++;
      const message = `Nobody listens at ${part.topic}: device ${this.#device.id} has not got the command.`;
      return this.#takeBack(invocation, {
        code: 'DEVICE_OFFLINE',
        message,
        retryAfterSeconds: RETRY_SECONDS,
      });
    }
    const { proof, expectedMs } = part;
    if (proof === undefined) return invocation.answer({ effect: 'cannot be seen' });
    this.#effects.expect(
      invocation,
      expectedMs,
      () => this.#device.telemetry.latest().find(({ metric }) => metric === proof.metric)?.value,
    );
  }

  #onUnsent(invocation: Invocation, { code, message }: Error & { readonly code?: ErrorCode }): void {
    // It may have arrived: then its effect shows it, or its time is over.
    if (code === 'BROKER_TIMEOUT' || code === 'BROKER_LOST' || code === 'BUS_CLOSED') return;
    if (code === 'BROKER_OFFLINE') return this.#takeBack(invocation, offlineFailure(this.#device.id));
    const why = `The command could not be sent to device ${this.#device.id}: ${message}`;
    this.#takeBack(invocation, { code: code ?? 'INTERNAL', message: why });
  }

  #takeBack(invocation: Invocation, failure: Failure): void {
    this.#effects.take(invocation);
    invocation.markUnsent();
    invocation.fail(failure);
  }
}
