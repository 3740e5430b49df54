import { FairPlaces } from '../base/fair-places.ts';
import { FairQueue } from '../base/fair-queue.ts';
import type { Logger } from '../base/logger.ts';
import type { DeviceLink } from './device-link.ts';
import type { EventFeed } from './events.ts';
import type { Failure } from './failure.ts';
import type { Invocation, InvocationOwner } from './invocation.ts';

export type LaneLimits = {
  /** Invocations that may wait for one device. */
  readonly maxQueuedInvocations: number;
  /** Of those, how many one caller may have. */
  readonly maxQueuedPerCaller: number;
};

export class LaneCounters {
  invocationsCompleted = 0;
  invocationsFailed = 0;
  invocationsCancelled = 0;
  invocationsRefused = 0;
  lateAnswers = 0;
}

/**
 * The way of invocations into one device: as many at once as its link can tell apart, which callers share, the others
 * in turn.
 */
export class InvocationLane implements InvocationOwner {
  readonly #waiting: FairQueue<Invocation>;
  readonly #inFlight = new FairPlaces();
  readonly #busySerial = new Set<string>();
  readonly #counters: LaneCounters;
  readonly #feed: EventFeed;
  readonly #log: Logger;
  #link: DeviceLink | undefined;
  #advancing = false;

  constructor(
    limits: LaneLimits,
    { counters, feed, log }: { counters: LaneCounters; feed: EventFeed; log: Logger },
  ) {
    const { maxQueuedInvocations: maxItems, maxQueuedPerCaller: maxItemsPerCaller } = limits;
    this.#waiting = new FairQueue({ maxItems, maxItemsPerCaller }, (invocation) => this.#refuse(invocation));
    this.#counters = counters;
    this.#feed = feed;
    this.#log = log;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  get inFlight(): number {
    return this.#inFlight.taken;
  }

  /** The device came: what enters goes through this link. */
  open(link: DeviceLink): void {
    this.#link = link;
  }

  /** The device went. What waited fails; what was sent is ended by its link. */
  close(): void {
    this.#link = undefined;
    for (const invocation of this.#waiting.drain()) {
      invocation.fail({
        code: 'DEVICE_OFFLINE',
        message: `Device ${invocation.deviceId} went offline before the command was sent.`,
        retryAfterSeconds: 5,
      });
    }
  }

  /** Takes an invocation in: it starts now, or waits its turn, or fails because the queue is full. */
  enter(invocation: Invocation): void {
    invocation.begin(this);
    this.#tell(invocation, invocation.acceptedAt);
    if (this.#waiting.size === 0 && this.#canStart(invocation)) {
      this.#start(invocation);
    } else if (this.#waiting.push(invocation.caller, invocation)) {
      this.#advance();
    } else {
      this.#refuse(invocation);
    }
  }

  /** Ends the caller's wait: its time is over, or it left. */
  giveUp(invocation: Invocation, state: 'failed' | 'cancelled'): void {
    const waiting = this.#waiting.remove(invocation.caller, invocation);
    invocation.giveUp(state, state === 'failed' ? timeoutFailure(invocation) : CANCELLED);
    if (!waiting && invocation.isExchangeOpen) this.#link?.cancel(invocation);
  }

  onSettled(invocation: Invocation): void {
    if (invocation.state === 'completed') this.#counters.invocationsCompleted++;
    else if (invocation.state === 'failed') this.#counters.invocationsFailed++;
    else this.#counters.invocationsCancelled++;
    this.#tell(invocation, invocation.endedAt);
  }

  onReleased(invocation: Invocation): void {
    this.#inFlight.give(invocation.caller);
    if (invocation.command.concurrency === 'serial') this.#busySerial.delete(invocation.command.name);
    if (this.#waiting.size > 0) this.#advance();
  }

  onTimeout(invocation: Invocation): void {
    this.giveUp(invocation, 'failed');
  }

  onLateAnswer(): void {
    this.#counters.lateAnswers++;
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

  #start(invocation: Invocation): void {
    this.#inFlight.take(invocation.caller);
    if (invocation.command.concurrency === 'serial') this.#busySerial.add(invocation.command.name);
    invocation.enterExchange();
    try {
      this.#link?.invoke(invocation);
    } catch (error) {
      this.#log.error({ err: error, device: invocation.deviceId }, 'a command could not be sent');
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
      const next = this.#waiting.take((invocation) => this.#canStart(invocation));
      if (next === undefined) break;
      this.#start(next);
    }
    this.#advancing = false;
  }
}

const CANCELLED = { code: 'INVOCATION_CANCELLED', message: 'The caller gave the invocation up.' } as const;

function timeoutFailure(invocation: Invocation): Failure {
  const { deviceId, command, timeoutMs } = invocation;
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
