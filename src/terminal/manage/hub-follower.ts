import type { Clock, Timer } from '../../base/clock.ts';
import { ClientError, type EventOptions, type HubEvent } from '../../client/index.ts';
import type { HubSession } from './hub-session.ts';

/** How often what is seen is asked for where the hub gives no stream of events, in ms. */
const ASK_MS = 1000;
/** Somebody is looking at the line that says that the hub is gone. */
const MAX_RETRY_MS = 2000;

/** Which events concern what is seen. */
export type Follows = Pick<EventOptions, 'devices' | 'kinds'>;

type HubFollowerOptions = {
  readonly hub: HubSession;
  readonly clock: Clock;
  readonly onEvent: (event: HubEvent) => void;
  /** It is not known what happened meanwhile: what is seen has to be asked for. */
  readonly onStale: () => void;
};

/**
 * Follows the events of a hub for what is seen. Where there are none (an older hub, too many streams, nobody there),
 * what is seen is asked for every second, and the events too.
 */
export class HubFollower {
  readonly #options: HubFollowerOptions;
  #abort = new AbortController();
  #timer: Timer | undefined;

  constructor(options: HubFollowerOptions) {
    this.#options = options;
  }

  /** Turns to other events. */
  follow(follows: Follows): void {
    this.stop();
    this.#abort = new AbortController();
    void this.#run(follows, this.#abort.signal);
  }

  stop(): void {
    this.#abort.abort();
    this.#timer?.clear();
  }

  async #run(follows: Follows, signal: AbortSignal): Promise<void> {
    const { hub, clock, onEvent, onStale } = this.#options;
    try {
      for await (const event of hub.events({ ...follows, signal, maxRetryMs: MAX_RETRY_MS })) {
        if (isGap(event)) onStale();
        onEvent(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ClientError)) throw error;
    }
    onStale();
    this.#timer = clock.setTimer(ASK_MS, () => void this.#run(follows, signal));
  }
}

function isGap(event: HubEvent): boolean {
  if (event.type === 'connected') return !event.isResumed;
  return event.type === 'missed' || event.type === 'reset';
}
