import { fail, succeed, type Result } from '../../base/result.ts';
import type { ServiceFailure } from '../wire/service-failure.ts';
import { isServiceName } from '../wire/service-topics.ts';
import type { ServiceDirectory, ServiceEntry } from './service-directory.ts';

/** What callers are told while the hub stops. */
export const STOPPING: ServiceFailure = {
  code: 'HUB_STOPPING',
  message: 'The hub is shutting down.',
  retryAfterSeconds: 5,
};

type AdmissionParts = {
  readonly directory: ServiceDirectory;
  readonly limits: { readonly maxInFlightPerService: number; readonly maxRequestBytes: number };
  /** Whether the broker is there. */
  readonly isConnected: () => boolean;
};

/** What is asked for. */
type Application = {
  /** Whose places are counted together. */
  readonly caller: string;
  /** The length of the body, where it is known. */
  readonly bodyBytes: number | undefined;
};

/** Decides which requests may go on their way, and knows those that are. */
export class Admission {
  readonly #parts: AdmissionParts;
  #isStopping = false;
  #openCount = 0;
  #idle = Promise.withResolvers<void>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** A ticket for a request; or why it cannot begin. */
  admit(name: string, { caller, bodyBytes }: Application): Result<Ticket, ServiceFailure> {
    const { directory, limits, isConnected } = this.#parts;
    if (this.#isStopping) return fail(STOPPING);
    const service = isServiceName(name) ? directory.get(name) : undefined;
    if (service === undefined) {
      const message = `No agent has offered a service ${name.slice(0, 64)}.`;
      return fail({ code: 'SERVICE_UNKNOWN', message });
    }
    if (!isConnected())
      return fail({ code: 'BROKER_OFFLINE', message: 'The MQTT broker is away.', retryAfterSeconds: 5 });
    if (bodyBytes !== undefined && bodyBytes > limits.maxRequestBytes) {
      const message = `The body of ${bodyBytes} bytes is larger than services.maxRequestBytes (${limits.maxRequestBytes}).`;
      return fail({ code: 'BODY_TOO_LARGE', message });
    }
    this.#openCount++;
    service.ticketCount++;
    return succeed(new Ticket(service, caller, limits.maxInFlightPerService, () => this.#onReleased()));
  }

  /** Admits nobody any more; settles when nobody is on the way. */
  stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#openCount === 0) this.#idle.resolve();
    return this.#idle.promise;
  }

  #onReleased(): void {
    this.#openCount--;
    if (this.#isStopping && this.#openCount === 0) this.#idle.resolve();
  }
}

/** A request's right to be on its way; it keeps the service known, and holds a place of it once it has taken one. */
export class Ticket {
  readonly service: ServiceEntry;
  readonly #caller: string;
  readonly #maxPlaces: number;
  readonly #onReleased: () => void;
  #state: 'waiting' | 'placed' | 'released' = 'waiting';

  constructor(service: ServiceEntry, caller: string, maxPlaces: number, onReleased: () => void) {
    this.service = service;
    this.#caller = caller;
    this.#maxPlaces = maxPlaces;
    this.#onReleased = onReleased;
  }

  /**
   * Takes a place of the service, which its callers share.
   *
   * @returns why there is none
   */
  takePlace(): ServiceFailure | undefined {
    const { name, places } = this.service;
    const limit = Math.min(this.#maxPlaces, this.#capacity());
    if (!places.isOpenTo(this.#caller, limit)) {
      const held = places.heldBy(this.#caller);
      const isFull = places.taken >= limit;
      const what = isFull ? 'as many as it may' : `${held} of them of this caller, as many as it may have`;
      const message = `The service ${name} has ${places.taken} requests in flight, ${what}.`;
      return { code: 'TOO_MANY_REQUESTS', message, retryAfterSeconds: 1 };
    }
    this.#state = 'placed';
    places.take(this.#caller);
    return undefined;
  }

  /** Gives it back; what was given back already stays so. */
  release(): void {
    if (this.#state === 'released') return;
    if (this.#state === 'placed') this.service.places.give(this.#caller);
    this.#state = 'released';
    this.service.ticketCount--;
    this.#onReleased();
  }

  /** What the agents take together; where none can be asked, the choice of one says why. */
  #capacity(): number {
    let sum = 0;
    for (const { isHealthy, isLeaving, maxInFlight } of this.service.agents.values())
      if (isHealthy && !isLeaving) sum += maxInFlight;
    return sum === 0 ? Number.POSITIVE_INFINITY : sum;
  }
}
