import type { Clock, Timer } from '../base/clock.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import { BusError } from './bus-error.ts';
import type { BusCounters, OutgoingMessage, Patience, PublishReceipt, UnacknowledgedMessage } from './bus.ts';

/** A connection, as far as the outbox uses it. */
export type Sender = {
  /** Of the server: how many messages at QoS 1 and 2 may be unacknowledged. */
  readonly receiveMaximum: number;
  /** Bytes that were sent, and wait for the socket. */
  readonly bufferedBytes: number;
  /** The socket takes no more for now; `BusOutbox.pump` is to be called when it does. */
  readonly isBlocked: boolean;
  /** Why this broker cannot be given the message; undefined when it can. */
  findFault(message: OutgoingMessage): BusError | undefined;
  /** Rejects when the broker denies it. What was not answered when the connection ends never settles. */
  publish(message: OutgoingMessage): Promise<PublishReceipt>;
};

export type OutboxLimits = {
  readonly timeoutMs: number;
  readonly maxInflight: number;
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
};

const SENT = succeed(undefined);

type Entry = {
  readonly message: OutgoingMessage;
  readonly resolve: (receipt: PublishReceipt) => void;
  readonly reject: (error: unknown) => void;
  /** Its caller has the receipt, and its timer and signal are let go. */
  isSettled: boolean;
  wasSent: boolean;
  letGo: () => void;
};

type OutboxOptions = {
  readonly limits: OutboxLimits;
  readonly clock: Clock;
  readonly counters: BusCounters;
  /** Where the broker is, for texts. */
  readonly label: string;
};

/** Messages on their way to the broker: those that wait, in order, and those that wait for an acknowledgement. */
export class BusOutbox {
  readonly #limits: OutboxLimits;
  readonly #clock: Clock;
  readonly #counters: BusCounters;
  readonly #label: string;
  #queue: Entry[] = [];
  #queuedMessages = 0;
  #queuedBytes = 0;
  readonly #inflight = new Set<Entry>();
  /** Of them, those that take a place in the window: QoS 1 and 2. */
  #unacknowledged = 0;
  #sender: Sender | undefined;
  #isClosed = false;

  constructor({ limits, clock, counters, label }: OutboxOptions) {
    this.#limits = limits;
    this.#clock = clock;
    this.#counters = counters;
    this.#label = label;
  }

  /** How many messages wait to be sent. */
  get queuedMessages(): number {
    return this.#queuedMessages;
  }

  add(
    message: OutgoingMessage,
    { timeoutMs = this.#limits.timeoutMs, signal }: Patience,
  ): Promise<PublishReceipt> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const refusal = this.#findRefusal(message);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const entry: Entry = { message, resolve, reject, isSettled: false, wasSent: false, letGo: () => {} };
      this.#queue.push(entry);
      this.#queuedMessages++;
      this.#queuedBytes += message.payload.length;
      this.pump();
      if (!entry.isSettled) this.#watchPatience(entry, timeoutMs, signal);
    });
  }

  /** Sends a message at QoS 0 at once, or not at all. */
  sendNow(message: UnacknowledgedMessage): Result<undefined, BusError> {
    const sender = this.#sender;
    if (this.#isClosed) return fail(this.#closedError());
    if (sender === undefined)
      return fail(
        new BusError('BROKER_OFFLINE', `the MQTT broker at ${this.#label} is away; the message was not sent`),
      );
    if (sender.bufferedBytes >= this.#limits.maxQueuedBytes) return fail(this.#fullError());
    const fault = sender.findFault(message);
    if (fault !== undefined) return fail(fault);
    // The payload is the caller's again, and the socket may need it for longer.
    sender.publish({ ...message, payload: new Uint8Array(message.payload) }).then(
      () => this.#counters.published++,
      () => {},
    );
    return SENT;
  }

  /** A connection is there, its subscriptions restored: sends what waits. */
  attach(sender: Sender): void {
    this.#sender = sender;
    this.pump();
  }

  /** The connection is gone. QoS 1 goes to the front again; the others may not be sent twice. */
  detach(error: Error): void {
    this.#sender = undefined;
    const lost = [...this.#inflight];
    this.#inflight.clear();
    this.#unacknowledged = 0;
    const again = lost.filter((entry) => !entry.isSettled && entry.message.qos === 1);
    for (const entry of again) {
      this.#queuedMessages++;
      this.#queuedBytes += entry.message.payload.length;
    }
    this.#queue = [...again, ...this.#queue];
    for (const entry of lost) {
      if (entry.message.qos !== 1) this.#settle(entry, () => entry.reject(this.#lostError(error)));
    }
  }

  /** Sends as much as the window and the socket take. */
  pump(): void {
    const sender = this.#sender;
    if (sender === undefined) return;
    while (!sender.isBlocked) {
      const entry = this.#queue[0];
      if (entry === undefined || !this.#hasRoom(entry, sender)) return;
      this.#queue.shift();
      this.#uncount(entry);
      this.#send(entry, sender);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#sender = undefined;
    const entries = [...this.#inflight, ...this.#queue];
    this.#inflight.clear();
    this.#queue = [];
    this.#queuedMessages = 0;
    this.#queuedBytes = 0;
    for (const entry of entries) this.#settle(entry, () => entry.reject(this.#closedError()));
  }

  #findRefusal({ payload }: OutgoingMessage): BusError | undefined {
    if (this.#isClosed) return this.#closedError();
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits;
    const isFull =
      this.#queuedMessages >= maxQueuedMessages ||
      // One message is taken whatever its size: the broker decides about that.
      (this.#queuedMessages > 0 && this.#queuedBytes + payload.length > maxQueuedBytes);
    return isFull ? this.#fullError() : undefined;
  }

  #fullError(): BusError {
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits;
    this.#counters.refusedFull++;
    return new BusError(
      'TOO_MANY_MESSAGES',
      `${this.#queuedMessages} messages (${this.#queuedBytes} bytes) wait for the MQTT broker at ${this.#label}; ` +
        `wait for some of them (maxQueuedMessages is ${maxQueuedMessages}, maxQueuedBytes ${maxQueuedBytes})`,
    );
  }

  #hasRoom({ message }: Entry, sender: Sender): boolean {
    if ((message.qos ?? 0) === 0) return true;
    return this.#unacknowledged < Math.min(this.#limits.maxInflight, sender.receiveMaximum);
  }

  #send(entry: Entry, sender: Sender): void {
    const fault = sender.findFault(entry.message);
    if (fault !== undefined) {
      this.#settle(entry, () => entry.reject(fault));
      return;
    }
    const places = (entry.message.qos ?? 0) === 0 ? 0 : 1;
    entry.wasSent = true;
    this.#inflight.add(entry);
    this.#unacknowledged += places;
    const finish = (settle: () => void): void => {
      // After a loss the answers of the old connection do not count.
      if (this.#sender !== sender || !this.#inflight.delete(entry)) return;
      this.#unacknowledged -= places;
      this.#settle(entry, settle);
      this.pump();
    };
    sender.publish(entry.message).then(
      (receipt) =>
        finish(() => {
          this.#counters.published++;
          entry.resolve(receipt);
        }),
      (error: unknown) => finish(() => entry.reject(error)),
    );
  }

  #watchPatience(entry: Entry, timeoutMs: number, signal: AbortSignal | undefined): void {
    const giveUp = (reason: unknown): void => {
      this.#leaveQueue(entry);
      this.#counters.givenUp++;
      this.#settle(entry, () => entry.reject(reason));
    };
    const timer: Timer = this.#clock.setTimer(timeoutMs, () => giveUp(this.#lateError(entry, timeoutMs)));
    const onAbort = (): void => giveUp(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    entry.letGo = () => {
      timer.clear();
      signal?.removeEventListener('abort', onAbort);
    };
  }

  #settle(entry: Entry, settle: () => void): void {
    if (entry.isSettled) return;
    entry.isSettled = true;
    entry.letGo();
    settle();
  }

  #leaveQueue(entry: Entry): void {
    const at = this.#queue.indexOf(entry);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    this.#uncount(entry);
  }

  #uncount({ message }: Entry): void {
    this.#queuedMessages--;
    this.#queuedBytes -= message.payload.length;
  }

  #lateError(entry: Entry, timeoutMs: number): BusError {
    if (entry.wasSent) {
      return new BusError(
        'BROKER_TIMEOUT',
        `the MQTT broker at ${this.#label} did not acknowledge within ${timeoutMs} ms; the message may have arrived`,
      );
    }
    const why = this.#sender === undefined ? 'was not connected' : 'took no more messages';
    return new BusError(
      'BROKER_OFFLINE',
      `the MQTT broker at ${this.#label} ${why} for ${timeoutMs} ms; the message was not sent`,
    );
  }

  #lostError(cause: Error): BusError {
    return new BusError(
      'BROKER_LOST',
      `the connection to the MQTT broker at ${this.#label} was lost before it acknowledged; ` +
        'the message may have arrived',
      { cause },
    );
  }

  #closedError(): BusError {
    return new BusError('BUS_CLOSED', `the connection to the MQTT broker at ${this.#label} was closed`);
  }
}
