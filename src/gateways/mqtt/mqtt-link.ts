import type { Bus, BusClient, PublishOptions } from '../../bus/bus.ts';
import type { ErrorCode } from '../../base/errors.ts';
import type { Device } from '../../devices/device.ts';
import type { DeviceLink } from '../../devices/device-link.ts';
import type { Failure } from '../../devices/failure.ts';
import type { Invocation } from '../../devices/invocation.ts';
import type { PresenceReason } from '../../devices/presence.ts';
import { FIRST_FAILURE_CODE, reasonCodeName } from '../../mqtt/codec/reason-code.ts';
import type { AskedInvocations } from '../asked-invocations.ts';
import { deviceFailure, lostFailure, offlineFailure } from '../device-failures.ts';
import { cancelMessage, commandMessage } from './command-message.ts';
import type { MqttGatewayContext } from './mqtt-context.ts';

/** The topics of one device, for as long as it is online. */
export class MqttLink implements DeviceLink {
  readonly maxInFlight: number;
  readonly #device: Device;
  readonly #asked: AskedInvocations;
  readonly #isDevice: (client: BusClient) => boolean;
  readonly #context: MqttGatewayContext;
  readonly #bus: Bus;

  /** @param isDevice - whether a client is that of the device: others may have subscribed to its commands too */
  constructor(
    device: Device,
    parts: {
      readonly asked: AskedInvocations;
      readonly isDevice: (client: BusClient) => boolean;
      readonly bus: Bus;
      readonly context: MqttGatewayContext;
    },
  ) {
    this.#device = device;
    this.#asked = parts.asked;
    this.#isDevice = parts.isDevice;
    this.#bus = parts.bus;
    this.#context = parts.context;
    this.maxInFlight = parts.context.options.maxInFlightInvocations;
  }

  invoke(invocation: Invocation): void {
    const { options, counters, clock } = this.#context;
    const isEnvelope = this.#device.description.envelope === true;
    const message = commandMessage(options.prefix, invocation, { isEnvelope, now: clock.now() });
    this.#asked.add(invocation);
    counters.commandsSent++;
    invocation.markSent();
    const patience: PublishOptions = {
      timeoutMs: Math.max(1, Math.ceil(invocation.remainingMs)),
      onAcknowledged: (client, reasonCode) => {
        if (invocation.isEnded || !this.#isDevice(client)) return;
        if (reasonCode < FIRST_FAILURE_CODE) invocation.markDelivered();
        else this.#onRefused(invocation, reasonCode);
      },
    };
    this.#bus.publish(message, patience).then(
      ({ matched }) => {
        if (matched === false) this.#onUnheard(invocation);
      },
      (error: unknown) => this.#onUnsent(invocation, error as Error & { readonly code?: ErrorCode }),
    );
  }

  cancel(invocation: Invocation): void {
    if (!this.#asked.giveUp(invocation)) return;
    const { options, counters } = this.#context;
    counters.cancelsSent++;
    // Best effort: a broker that is away has lost the device too.
    this.#bus.publish(cancelMessage(options.prefix, invocation)).catch(() => {});
    invocation.release();
  }

  close(_reason: PresenceReason): void {
    for (const invocation of this.#asked.giveUpAll()) invocation.fail(lostFailure(this.#device.id));
  }

  /** The broker has nobody for it, so the device has not got it. */
  #onUnheard(invocation: Invocation): void {
    this.#context.counters.commandsUnheard++;
    this.#takeBack(invocation, offlineFailure(this.#device.id));
  }

  /** Its program has not got the command: section 4.3.2 lets a receiver say so. */
  #onRefused(invocation: Invocation, reasonCode: number): void {
    if (this.#asked.take(invocation.id) === undefined) return;
    const name = reasonCodeName(reasonCode, 'PUBACK');
    const message = `The MQTT client of device ${this.#device.id} refused the command: ${name}.`;
    invocation.fail(deviceFailure(this.#device.id, invocation.command.name, { code: name, message }));
  }

  #onUnsent(invocation: Invocation, { code, message }: Error & { readonly code?: ErrorCode }): void {
    // It may have arrived: the device answers, or is lost, or its time is over.
    if (code === 'BROKER_TIMEOUT' || code === 'BROKER_LOST' || code === 'BUS_CLOSED') return;
    this.#takeBack(invocation, failureOfBroker(this.#device.id, code, message));
  }

  #takeBack(invocation: Invocation, failure: Failure): void {
    if (this.#asked.take(invocation.id) === undefined) return;
    invocation.markUnsent();
    invocation.fail(failure);
  }
}

function failureOfBroker(deviceId: string, code: ErrorCode | undefined, message: string): Failure {
  if (code === 'BROKER_OFFLINE') return offlineFailure(deviceId);
  const known = code === undefined ? 'INTERNAL' : code;
  return { code: known, message: `The command could not be sent to device ${deviceId}: ${message}` };
}
