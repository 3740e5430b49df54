import { FairPlaces } from '../base/fair-places.ts';
import { FairQueue } from '../base/fair-queue.ts';
import type { LogBudget } from '../base/log-budget.ts';
import type { DeviceLink } from './device-link.ts';
import type { EventFeed } from './events.ts';
import type { Failure } from './failure.ts';
import type { Invocation, InvocationOwner } from './invocation.ts';
import { LastingQueue, type LastingQueueLimits } from './lasting-queue.ts';

/** For those that wait while their callers do, and as much again for those that last. */
export type LaneLimits = LastingQueueLimits;

export class LaneCounters {
  invocationsCompleted = 0;
  invocationsFailed = 0;
  invocationsCancelled = 0;
  invocationsRefused = 0;
  lateAnswers = 0;
}

/**
 * The way of invocations into one device: as many at once as its link can tell apart, which callers share, the others
 * in turn. Those that last wait in the order of their acceptance, also while the device is away, and take turns with
 * those whose callers wait.
 */
export class InvocationLane implements InvocationOwner {
  readonly #waiting: FairQueue<Invocation>;
  readonly #lasting: LastingQueue;
  /** Those of it that are being written down, to go out through a link then. */
  readonly #leaving = new Map<Invocation, DeviceLink>();
  readonly #inFlight = new FairPlaces();
  readonly #busySerial = new Set<string>();
  readonly #counters: LaneCounters;
  readonly #feed: EventFeed;
  readonly #log: LogBudget;
  #link: DeviceLink | undefined;
  #advancing = false;
  #isLastingsTurn = true;

  constructor(
    limits: LaneLimits,
    { counters, feed, log }: { counters: LaneCounters; feed: EventFeed; log: LogBudget },
  ) {
    const { maxQueuedInvocations: maxItems, maxQueuedPerCaller: maxItemsPerCaller } = limits;
    this.#waiting = new FairQueue({ maxItems, maxItemsPerCaller }, (invocation) => this.#refuse(invocation));
    this.#lasting = new LastingQueue(limits);
    this.#counters = counters;
    this.#feed = feed;
    this.#log = log;
  }

  get queued(): number {
    return this.#waiting.size + this.#lasting.size;
  }

  /** Those that last and wait. */
  get lasting(): readonly Invocation[] {
    return this.#lasting.all();
  }

  get inFlight(): number {
    return this.#inFlight.taken;
  }

  /** The device came: what enters goes through this link. */
  open(link: DeviceLink): void {
    this.#link = link;
    this.#recall();
  }

  /** Starts what has waited for the device, which is there now and has told all of itself. */
  resume(): void {
    if (this.#lasting.size > 0) this.#advance();
  }

  /** The device went. What waited fails, unless it was promised to wait for it; what was sent is ended by its link. */
  close(): void {
    this.#link = undefined;
    this.#recall();
    const left = this.#lasting.all().filter((invocation) => !invocation.waitsForDevice);
    for (const invocation of [...this.#waiting.drain(), ...left]) invocation.fail(wentOffline(invocation));
  }

  /** Takes an invocation in: it starts now, or waits its turn, or fails because the queue is full. */
  enter(invocation: Invocation): void {
    invocation.begin(this);
    if (invocation.lasting !== undefined) return this.#enterLasting(invocation);
    this.#tell(invocation, invocation.acceptedAt);
    if (this.queued === 0 && this.#canStart(invocation)) {
      this.#start(invocation);
    } else if (this.#waiting.push(invocation.caller, invocation)) {
      this.#advance();
    } else {
      this.#refuse(invocation);
    }
  }

  /** Takes one in that has waited since before the hub was started. */
  restore(invocation: Invocation): void {
    invocation.state = 'queued';
    this.#lasting.putBack(invocation);
    invocation.begin(this);
  }

  /** The hub stops. What lasts and waits stays as it is written down. */
  park(): void {
    for (const invocation of this.#lasting.all()) invocation.park();
  }

  /** Ends what lasts and waits. */
  drop(failure: Failure): void {
    for (const invocation of this.#lasting.all()) invocation.fail(failure);
  }

  /** Ends the caller's wait: its time is over, or it left. */
  giveUp(invocation: Invocation, state: 'failed' | 'cancelled'): void {
    const waiting = this.#waiting.remove(invocation.caller, invocation);
    invocation.giveUp(state, state === 'failed' ? timeoutFailure(invocation) : CANCELLED);
    if (!waiting && invocation.isExchangeOpen) this.#link?.cancel(invocation);
  }

  onSettled(invocation: Invocation): void {
    if (invocation.lasting !== undefined) this.#lasting.remove(invocation);
    if (invocation.state === 'completed') this.#counters.invocationsCompleted++;
    else if (invocation.state === 'failed') this.#counters.invocationsFailed++;
    else this.#counters.invocationsCancelled++;
  }

  onEndKept(invocation: Invocation): void {
    this.#tell(invocation, invocation.endedAt);
  }

  onReleased(invocation: Invocation): void {
    this.#givePlace(invocation);
    if (this.queued > 0) this.#advance();
  }

  onUnsent(invocation: Invocation, time: number): void {
    this.#putBack(invocation);
    this.#tell(invocation, time);
    this.#advance();
  }

  onTimeout(invocation: Invocation): void {
    this.giveUp(invocation, 'failed');
  }

  onLateAnswer(invocation: Invocation): void {
    this.#counters.lateAnswers++;
    this.#tell(invocation, invocation.lateAnswer?.time ?? 0);
  }

  #tell(invocation: Invocation, time: number): void {
    const { deviceId } = invocation;
    this.#feed.publish({ kind: 'invocation', deviceId, time, invocation: invocation.snapshot() });
  }

  #refuse(invocation: Invocation): void {
    this.#counters.invocationsRefused++;
    invocation.fail({
      code: 'TOO_MANY_INVOCATIONS',
      message: `${this.#waiting.size} invocations already wait for device ${invocation.deviceId}. Try again when some have ended.`,
      retryAfterSeconds: 1,
    });
  }

  #canStart(invocation: Invocation): boolean {
    if (this.#link === undefined) return false;
    if (!this.#inFlight.isOpenTo(invocation.caller, this.#link.maxInFlight)) return false;
    return invocation.command.concurrency === 'parallel' || !this.#busySerial.has(invocation.command.name);
  }

  /** It is written down before it goes out, and before its caller is told that it waits. */
  #enterLasting(invocation: Invocation): void {
    const canStart = this.queued === 0 && this.#canStart(invocation);
    if (!canStart) invocation.state = 'queued';
    this.#tell(invocation, invocation.acceptedAt);
    if (canStart) return this.#startLasting(invocation);
    if (!this.#lasting.push(invocation)) return this.#refuse(invocation);
    void this.#accept(invocation)?.catch(() => {});
    this.#advance();
  }

  #accept(invocation: Invocation): Promise<void> | undefined {
    const written = invocation.write();
    invocation.accepted = written?.catch((error: unknown) => invocation.fail(notStored(error)));
    return written;
  }

  #startLasting(invocation: Invocation): void {
    this.#takePlace(invocation);
    const isNew = invocation.state === 'running';
    invocation.state = 'running';
    const link = this.#link!;
    const written = isNew ? this.#accept(invocation) : invocation.write();
    if (written === undefined) return this.#send(invocation, !isNew);
    this.#leaving.set(invocation, link);
    const go = (failure?: Failure): void => {
      // The device went, and it waits again: it may be leaving by another link.
      if (this.#leaving.get(invocation) !== link) return;
      this.#leaving.delete(invocation);
      if (failure === undefined && !invocation.isEnded) return this.#send(invocation, !isNew);
      if (failure !== undefined) invocation.fail(failure);
      this.onReleased(invocation);
    };
    written.then(
      () => go(),
      (error: unknown) => go(notStored(error)),
    );
  }

  /** The link that they were to go out through is gone. They wait again, in their place, before others leave. */
  #recall(): void {
    for (const invocation of this.#leaving.keys()) {
      this.#leaving.delete(invocation);
      if (invocation.isEnded) this.#givePlace(invocation);
      else this.#putBack(invocation);
    }
  }

  #putBack(invocation: Invocation): void {
    this.#givePlace(invocation);
    invocation.state = 'queued';
    this.#lasting.putBack(invocation);
    // Where it cannot be, it is written with what becomes of it.
    void invocation.write()?.catch(() => {});
  }

  #start(invocation: Invocation): void {
    this.#takePlace(invocation);
    this.#send(invocation);
  }

  #takePlace({ caller, command }: Invocation): void {
    this.#inFlight.take(caller);
    if (command.concurrency === 'serial') this.#busySerial.add(command.name);
  }

  #givePlace({ caller, command }: Invocation): void {
    this.#inFlight.give(caller);
    if (command.concurrency === 'serial') this.#busySerial.delete(command.name);
  }

  /** @param hasWaited - and readers were told so */
  #send(invocation: Invocation, hasWaited = false): void {
    const startedAt = invocation.enterExchange();
    if (hasWaited) this.#tell(invocation, startedAt);
    try {
      this.#link?.invoke(invocation);
    } catch (error) {
      const fields = { err: error, device: invocation.deviceId };
      this.#log.write('requests that failed', fields, 'a command could not be sent', invocation.caller);
      invocation.fail({
        code: 'INTERNAL',
        message: 'The command could not be sent. The log of the hub says why.',
      });
    }
  }

  /** Starts what can start. A link may end an invocation within `invoke`, so this guards against calling itself. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#link !== undefined && this.#inFlight.taken < this.#link.maxInFlight) {
      const next = this.#takeNext();
      if (next === undefined) break;
      if (next.lasting === undefined) this.#start(next);
      else this.#startLasting(next);
    }
    this.#advancing = false;
  }

  #takeNext(): Invocation | undefined {
    const canStart = (invocation: Invocation): boolean => this.#canStart(invocation);
    if (this.#lasting.size === 0) return this.#waiting.take(canStart);
    const next = this.#isLastingsTurn
      ? (this.#lasting.take(canStart) ?? this.#waiting.take(canStart))
      : (this.#waiting.take(canStart) ?? this.#lasting.take(canStart));
    if (next !== undefined) this.#isLastingsTurn = next.lasting === undefined;
    return next;
  }
}

function wentOffline({ deviceId }: Invocation): Failure {
  return {
    code: 'DEVICE_OFFLINE',
    message: `Device ${deviceId} went offline before the command was sent.`,
    retryAfterSeconds: 5,
  };
}

function notStored(error: unknown): Failure {
  const why = error instanceof Error ? error.message : String(error);
  return {
    code: 'STORE_UNAVAILABLE',
    message: `The hub cannot write down now what must last, so nothing was sent: ${why}.`,
    retryAfterSeconds: 5,
  };
}

const CANCELLED = { code: 'INVOCATION_CANCELLED', message: 'The caller gave the invocation up.' } as const;

function timeoutFailure(invocation: Invocation): Failure {
  const { deviceId, command, timeoutMs, lasting } = invocation;
  if (lasting?.queueForMs !== undefined && !invocation.hasLeftQueue) {
    const message = `Device ${deviceId} could not be asked for ${command.name} within ${lasting.queueForMs} ms. Nothing was sent.`;
    return { code: 'QUEUE_TIMEOUT', message };
  }
  return {
    code: 'ANSWER_TIMEOUT',
    message: `Device ${deviceId} did not answer ${command.name} within ${timeoutMs} ms. ${howFarItCame(invocation)}`,
  };
}

function howFarItCame(invocation: Invocation): string {
  if (invocation.sentAt > 0) return 'It was sent, and the answer did not come.';
  return invocation.hasLeftQueue
    ? 'Nothing came from the device.'
    : 'It was not sent: others were before it.';
}
