import type { Clock } from '../../base/clock.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import {
  ClientError,
  createClient,
  HubAnswerError,
  HubUnreachableError,
  ProblemError,
  type Client,
  type EventOptions,
  type HubEvent,
} from '../../client/index.ts';

/** How long a call may take before the hub counts as gone, in ms. */
const CALL_TIMEOUT_MS = 5000;

/** How the hub was found at the last call. Times are wall times in ms. */
export type HubStatus =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'up'; readonly since: number; readonly wasGone: boolean }
  | { readonly kind: 'gone'; readonly since: number; readonly error: HubUnreachableError | HubAnswerError };

type HubSessionOptions = {
  readonly url: string;
  readonly token?: string | undefined;
  readonly clock: Clock;
};

/** The hub that is looked at: its client, how it was found last, and the token that it asks for. */
export class HubSession {
  readonly clock: Clock;
  #url: string;
  #token: string | undefined;
  /** The hub that has seen the token: no other one may. */
  #tokenUrl: string | undefined;
  #client: Client;
  #status: HubStatus = { kind: 'unknown' };
  #isOutOfReach = false;
  /** Called when the hub does not know who asks. */
  onTokenNeeded: () => void = () => {};

  constructor(options: HubSessionOptions) {
    this.clock = options.clock;
    this.#url = options.url;
    this.#token = options.token;
    this.#client = this.#createClient();
  }

  get url(): string {
    return this.#url;
  }

  get status(): HubStatus {
    return this.#status;
  }

  /** At the last call nobody answered, or nobody was let in. */
  get isOutOfReach(): boolean {
    return this.#isOutOfReach;
  }

  get hasToken(): boolean {
    return this.#token !== undefined && this.#token !== '';
  }

  /** False, and the one before stays, when the token has characters that cannot be sent. */
  useToken(token: string): boolean {
    const before = this.#token;
    this.#token = token;
    try {
      this.#client = this.#createClient();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#token = before;
      return false;
    }
    this.#tokenUrl = this.#url;
    return true;
  }

  /** Turns to another hub. A token that the one before has seen stays behind. */
  useUrl(url: string): void {
    if (this.#tokenUrl !== undefined && url !== this.#tokenUrl) {
      this.#token = undefined;
      this.#tokenUrl = undefined;
    }
    this.#url = url;
    this.#status = { kind: 'unknown' };
    this.#client = this.#createClient();
  }

  /** Forgets how the hub was found: nobody asks it now. */
  forgetStatus(): void {
    this.#status = { kind: 'unknown' };
  }

  /** Makes calls, and remembers whether the hub was there. What was given up meanwhile throws the signal's reason. */
  async call<T>(ask: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<Result<T, ClientError>> {
    const client = this.#client;
    try {
      const answer = await ask(client);
      signal?.throwIfAborted();
      if (client === this.#client) this.#hasAnswered();
      return succeed(answer);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ClientError)) throw error;
      if (client === this.#client) this.#hasFailed(error);
      return fail(error);
    }
  }

  /**
   * What happens at devices, until the hub refuses to tell it; whether it is there is remembered.
   *
   * @throws {ClientError} as `client.events` does
   */
  async *events(
    options: EventOptions & { readonly signal: AbortSignal },
  ): AsyncGenerator<HubEvent, void, void> {
    const client = this.#client;
    try {
      for await (const event of client.events(options)) {
        if (client !== this.#client) return;
        if (event.type === 'disconnected') this.#hasFailed(event.error);
        else this.#hasAnswered();
        yield event;
      }
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof ClientError && client === this.#client) this.#hasFailed(error);
      throw error;
    }
  }

  #hasAnswered(): void {
    this.#isOutOfReach = false;
    this.#wasFound();
  }

  #hasFailed(error: ClientError): void {
    this.#isOutOfReach = needsToken(error) || !(error instanceof ProblemError);
    if (needsToken(error)) this.onTokenNeeded();
    if (error instanceof HubUnreachableError || error instanceof HubAnswerError) {
      const since = this.#status.kind === 'gone' ? this.#status.since : this.clock.now();
      this.#status = { kind: 'gone', since, error };
    } else this.#wasFound();
  }

  #wasFound(): void {
    if (this.hasToken) this.#tokenUrl = this.#url;
    if (this.#status.kind === 'up') return;
    this.#status = { kind: 'up', since: this.clock.now(), wasGone: this.#status.kind === 'gone' };
  }

  #createClient(): Client {
    return createClient({ url: this.#url, token: this.#token, timeoutMs: CALL_TIMEOUT_MS });
  }
}

/** The hub, or something in front of it, does not know who asks. */
export function needsToken(error: unknown): boolean {
  return (error instanceof ProblemError || error instanceof HubAnswerError) && error.status === 401;
}
