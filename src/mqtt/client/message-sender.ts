import { fail, succeed, type Result } from '../../base/result.ts';
import type { AcknowledgementType } from '../codec/acknowledgement.ts';
import { PacketType } from '../codec/control-packet.ts';
import { protocolError } from '../codec/errors.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { Quota } from '../session/quota.ts';
import { isValidTopicName } from '../topics/topic-name.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ClientCounters } from './client-counters.ts';
import { MqttClientError } from './client-error.ts';
import type { MqttClientLimits } from './client-options.ts';
import { deniedError } from './connection-errors.ts';
import type { OutgoingMessage, Patience, PublishReceipt, UnacknowledgedMessage } from './message.ts';
import { CallDeadlines, PendingCall } from './pending-call.ts';

const ANY_LEVELS = Number.POSITIVE_INFINITY;
const FAILURE = 0x80;
const SENT = succeed(undefined);
const UNKNOWN: PublishReceipt = Object.freeze({ matched: undefined });
const MATCHED: PublishReceipt = Object.freeze({ matched: true });
const UNMATCHED: PublishReceipt = Object.freeze({ matched: false });
const SENT_RECEIPT = Promise.resolve(UNKNOWN);

/** How far a message has come. */
const Progress = {
  /** In the queue. */
  WAITING: 0,
  /** Sent, at QoS 1 or 2. */
  SENT: 1,
  /** PUBREC has come, and PUBREL was sent. */
  RELEASED: 2,
} as const;
type Progress = (typeof Progress)[keyof typeof Progress];

class PublishCall extends PendingCall<PublishReceipt> {
  readonly message: OutgoingMessage;
  progress: Progress = Progress.WAITING;
  packetId = 0;
  /** How often it was written, on whatever connection. */
  timesSent = 0;
  /** On this connection, after it was sent on an earlier one. */
  isResent = false;
  receipt: PublishReceipt = UNKNOWN;

  constructor(message: OutgoingMessage) {
    super();
    this.message = message;
  }
}

type SenderParts = {
  readonly limits: MqttClientLimits;
  readonly clock: ConstructorParameters<typeof CallDeadlines>[0]['clock'];
  readonly counters: ClientCounters;
  /** Where the broker is, for texts. */
  readonly label: string;
  /** Gives a Packet Identifier that nothing else uses. */
  readonly takePacketId: () => number;
};

/** Messages on their way to the broker: those that wait, in order, and those that wait for an acknowledgement. */
export class MessageSender {
  readonly #parts: SenderParts;
  readonly #deadlines: CallDeadlines<PublishCall>;
  readonly #quota = new Quota();
  #queue: PublishCall[] = [];
  #queuedBytes = 0;
  /** By Packet Identifier, in the order in which they were sent. */
  readonly #inflight = new Map<number, PublishCall>();
  /** Those of an earlier connection that are to be sent again. */
  #resends: PublishCall[] = [];
  /** Where messages go; undefined while the broker is away. */
  #connection: ClientConnection | undefined = undefined;
  #closedError: MqttClientError | undefined = undefined;
  /** Of the last message: most come many times. */
  #validTopic = '';

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#deadlines = new CallDeadlines({
      clock: parts.clock,
      timeoutMs: parts.limits.timeoutMs,
      onGivenUp: (call, reason) => this.#giveUp(call, reason),
      lateError: (call) => this.#lateError(call),
    });
  }

  /** Messages at QoS 1 and 2 without an acknowledgement. */
  get count(): number {
    return this.#inflight.size;
  }

  isInFlight(packetId: number): boolean {
    return this.#inflight.has(packetId);
  }

  publish(message: OutgoingMessage, patience: Patience): Promise<PublishReceipt> {
    if (patience.signal?.aborted === true) return Promise.reject(patience.signal.reason as Error);
    const refusal = this.#findRefusal(message) ?? this.#findFull(message);
    if (refusal !== undefined) return Promise.reject(refusal);
    const connection = this.#connection;
    if ((message.qos ?? 0) === 0 && this.#queue.length === 0 && connection?.takesMore === true) {
      const failure = connection.publishes.write(message, 0, false);
      if (failure !== undefined) return Promise.reject(failure);
      this.#parts.counters.published++;
      return SENT_RECEIPT;
    }
    const call = new PublishCall(message);
    this.#queue.push(call);
    this.#queuedBytes += message.payload.length;
    this.pump();
    if (!call.isSettled) this.#deadlines.watch(call, patience);
    return call.promise;
  }

  send(message: UnacknowledgedMessage): Result<undefined, MqttClientError> {
    const refusal = this.#findRefusal(message);
    if (refusal !== undefined) return fail(refusal);
    const connection = this.#connection;
    const { label, counters, limits } = this.#parts;
    if (connection === undefined) {
      const text = `the MQTT broker at ${label} is away; the message was not sent`;
      return fail(new MqttClientError('BROKER_OFFLINE', text));
    }
    if (!connection.takesMore && connection.waitingBytes >= limits.maxQueuedBytes)
      return fail(this.#fullError(connection.waitingBytes));
    const failure = connection.publishes.write(message, 0, false);
    if (failure !== undefined) return fail(failure);
    counters.published++;
    return SENT;
  }

  /** A connection is there, its subscriptions restored: sends what waits. */
  attach(connection: ClientConnection, isSessionPresent: boolean): void {
    this.#connection = connection;
    const sendMaximum = Math.min(this.#parts.limits.maxInflight, connection.publishes.receiveMaximum);
    this.#quota.begin({ sendMaximum, receiveMaximum: Number.POSITIVE_INFINITY }, undefined);
    if (!isSessionPresent) this.forgetSession(undefined);
    this.#resends = [...this.#inflight.values()]; // [MQTT-4.4.0-1]
    for (const call of this.#resends) call.isResent = false;
    this.pump();
  }

  detach(): void {
    this.#connection = undefined;
    this.#resends = [];
  }

  /** The session is lost. What waits at QoS 1 goes to the front again; QoS 2 may not be sent twice. */
  forgetSession(cause: Error | undefined): void {
    const lost = [...this.#inflight.values()];
    this.#inflight.clear();
    const again = lost.filter((call) => !call.isSettled && call.message.qos === 1);
    for (const call of again) {
      call.progress = Progress.WAITING;
      this.#queuedBytes += call.message.payload.length;
    }
    this.#queue = [...again, ...this.#queue];
    for (const call of lost) if (call.message.qos !== 1) call.reject(this.#lostError(cause));
  }

  /** Sends what may be sent now, in order. */
  pump(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    while (connection.takesMore) {
      const resend = this.#resends[0];
      if (resend !== undefined) {
        if (!this.#resend(resend, connection)) return;
        this.#resends.shift();
        continue;
      }
      const call = this.#queue[0];
      if (call === undefined) return;
      if ((call.message.qos ?? 0) > 0 && !this.#quota.maySend(this)) return;
      this.#queue.shift();
      this.#queuedBytes -= call.message.payload.length;
      this.#send(call, connection);
    }
  }

  /** PUBACK, PUBREC or PUBCOMP has come. */
  onAcknowledged(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode): void {
    const call = this.#inflight.get(packetId);
    if (call === undefined) {
      // It may be of a session that this client knows nothing of any more.
      if (type === PacketType.PUBREC && reasonCode < FAILURE)
        this.#connection?.acknowledgeAs(PacketType.PUBREL, packetId, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
      return;
    }
    const isOfQos1 = call.message.qos === 1;
    const isEarly = type === PacketType.PUBCOMP && call.progress !== Progress.RELEASED;
    if (isEarly || isOfQos1 !== (type === PacketType.PUBACK))
      throw protocolError(`a message at QoS ${call.message.qos} is not acknowledged so`);
    if (type !== PacketType.PUBCOMP && reasonCode < FAILURE) call.receipt = this.#receiptOf(call, reasonCode);
    if (type === PacketType.PUBREC && reasonCode < FAILURE) {
      call.progress = Progress.RELEASED;
      this.#connection?.acknowledgeAs(PacketType.PUBREL, packetId); // [MQTT-4.3.3-4]
      return;
    }
    this.#inflight.delete(packetId);
    if (call.isResent) this.#quota.uncountResent();
    if (reasonCode < FAILURE || type === PacketType.PUBCOMP) {
      this.#parts.counters.published++;
      call.resolve(call.receipt);
    } else {
      const what = `a message on ${call.message.topicName}`;
      call.reject(deniedError({ label: this.#parts.label, packet: 'PUBACK', what, reasonCode }));
    }
    this.pump();
  }

  close(error: MqttClientError): void {
    this.#closedError = error;
    this.#connection = undefined;
    this.#deadlines.close();
    const calls = [...this.#inflight.values(), ...this.#queue];
    this.#inflight.clear();
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const call of calls) call.reject(error);
  }

  #send(call: PublishCall, connection: ClientConnection): void {
    const { message } = call;
    const packetId = (message.qos ?? 0) === 0 ? 0 : this.#parts.takePacketId();
    const failure = connection.publishes.write(message, packetId, false);
    if (failure !== undefined) return call.reject(failure);
    if (packetId === 0) {
      this.#parts.counters.published++;
      return call.resolve(UNKNOWN);
    }
    call.packetId = packetId;
    call.progress = Progress.SENT;
    call.timesSent++;
    this.#inflight.set(packetId, call);
  }

  /** @returns false when it must wait */
  #resend(call: PublishCall, connection: ClientConnection): boolean {
    if (call.progress === Progress.RELEASED) {
      connection.acknowledgeAs(PacketType.PUBREL, call.packetId);
      return true;
    }
    if (!this.#quota.mayResend()) return false;
    const failure = connection.publishes.write(call.message, call.packetId, true);
    if (failure === undefined) {
      this.#quota.countResent();
      call.timesSent++;
      call.isResent = true;
    } else {
      this.#inflight.delete(call.packetId);
      call.reject(failure);
    }
    return true;
  }

  /** The broker says it at QoS 1 and 2 over MQTT 5. That nobody got this copy says nothing of earlier ones. */
  #receiptOf({ timesSent }: PublishCall, reasonCode: ReasonCode): PublishReceipt {
    if (this.#connection?.version !== 5) return UNKNOWN;
    if (reasonCode !== ReasonCode.NO_MATCHING_SUBSCRIBERS) return MATCHED;
    return timesSent > 1 ? UNKNOWN : UNMATCHED;
  }

  #findRefusal({ topicName }: OutgoingMessage): MqttClientError | undefined {
    if (this.#closedError !== undefined) return this.#closedError;
    if (topicName === this.#validTopic) return undefined;
    if (!isValidTopicName(topicName, ANY_LEVELS)) {
      return new MqttClientError(
        'TOPIC_INVALID',
        `"${topicName}" is not a topic to publish to; it must not be empty and have no + or #`,
      );
    }
    this.#validTopic = topicName;
    return undefined;
  }

  #findFull({ payload }: OutgoingMessage): MqttClientError | undefined {
    const { maxQueuedMessages, maxQueuedBytes } = this.#parts.limits;
    const { length } = this.#queue;
    // One message is taken whatever its size: the broker decides about that.
    const isFull =
      length >= maxQueuedMessages || (length > 0 && this.#queuedBytes + payload.length > maxQueuedBytes);
    return isFull ? this.#fullError(this.#queuedBytes) : undefined;
  }

  #fullError(waitingBytes: number): MqttClientError {
    const { maxQueuedMessages, maxQueuedBytes } = this.#parts.limits;
    this.#parts.counters.refusedFull++;
    return new MqttClientError(
      'TOO_MANY_MESSAGES',
      `${this.#queue.length} messages (${waitingBytes} bytes) wait for the MQTT broker at ${this.#parts.label}; ` +
        `wait for some of them (maxQueuedMessages is ${maxQueuedMessages}, maxQueuedBytes ${maxQueuedBytes})`,
    );
  }

  #giveUp(call: PublishCall, reason: unknown): void {
    const at = call.progress === Progress.WAITING ? this.#queue.indexOf(call) : -1;
    if (at >= 0) {
      this.#queue.splice(at, 1);
      this.#queuedBytes -= call.message.payload.length;
    }
    this.#parts.counters.givenUp++;
    call.reject(reason);
  }

  #lateError({ timesSent, timeoutMs }: PublishCall): MqttClientError {
    const { label } = this.#parts;
    if (timesSent > 0) {
      return new MqttClientError(
        'BROKER_TIMEOUT',
        `the MQTT broker at ${label} did not acknowledge within ${timeoutMs} ms; the message may have arrived`,
      );
    }
    const why = this.#connection === undefined ? 'was not connected' : 'took no more messages';
    return new MqttClientError(
      'BROKER_OFFLINE',
      `the MQTT broker at ${label} ${why} for ${timeoutMs} ms; the message was not sent`,
    );
  }

  #lostError(cause: Error | undefined): MqttClientError {
    return new MqttClientError(
      'BROKER_LOST',
      `the connection to the MQTT broker at ${this.#parts.label} was lost before it acknowledged; ` +
        'the message may have arrived',
      { cause },
    );
  }
}
