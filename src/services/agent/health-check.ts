import { connect } from 'node:net';
import type { Dispatcher } from 'undici';
import type { Clock, Timer } from '../../base/clock.ts';
import { TLS_FAULT_WORDS, tlsFaultOf } from '../../base/tls-fault.ts';
import type { Upstream } from './upstream.ts';

const HEALTHY_EVERY_MS = 5000;
const UNHEALTHY_EVERY_MS = 1000;
const TIMEOUT_MS = 2000;
const SUCCESSFUL_BELOW = 400;

type HealthCheckOptions = {
  readonly upstream: Upstream;
  /** A path that answers below 400 when the target is well; without one, a TCP connection is enough. */
  readonly path: string | undefined;
  readonly clock: Clock;
  /** @param fault - what is wrong with the target, where something is */
  readonly onChanged: (fault: string | undefined) => void;
};

/** Looks every few seconds whether the target of an agent is there. */
export class HealthCheck {
  readonly #options: HealthCheckOptions;
  #isHealthy = false;
  #timer: Timer | undefined;
  #checking: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: HealthCheckOptions) {
    this.#options = options;
  }

  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** Settles after the first look. */
  start(): Promise<void> {
    return this.checkNow();
  }

  /** Looks at once: a request has just failed, say. */
  checkNow(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.clear();
  }

  async #check(): Promise<void> {
    const { upstream, path, clock, onChanged } = this.#options;
    this.#timer?.clear();
    const fault =
      path === undefined ? await findNoConnection(upstream) : await findNoAnswer(upstream, path, clock);
    if (this.#isStopped) return;
    const isHealthy = fault === undefined;
    const hasChanged = isHealthy !== this.#isHealthy;
    this.#isHealthy = isHealthy;
    const everyMs = isHealthy ? HEALTHY_EVERY_MS : UNHEALTHY_EVERY_MS;
    this.#timer = clock.setTimer(everyMs, () => void this.checkNow());
    if (hasChanged) onChanged(fault);
  }
}

const NO_ANSWER = `does not answer within ${TIMEOUT_MS} ms`;

function findNoConnection({ host, port }: Upstream): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const finish = (fault?: string): void => {
      socket.destroy();
      resolve(fault);
    };
    socket.once('connect', () => finish());
    socket.once('timeout', () => finish(NO_ANSWER));
    socket.once('error', (error) => finish(`cannot be reached (${causeOf(error)})`));
  });
}

function findNoAnswer(upstream: Upstream, path: string, clock: Clock): Promise<string | undefined> {
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined;
    const finish = (fault?: string): void => {
      timer.clear();
      controller?.abort(ANSWERED);
      resolve(fault);
    };
    const timer = clock.setTimer(TIMEOUT_MS, () => finish(NO_ANSWER));
    const request = { method: 'GET', target: path, headers: [], body: null };
    upstream.requestAnew(request, {
      onRequestStart: (started) => (controller = started),
      onResponseStart: (_, status) => {
        if (status >= 200) finish(status < SUCCESSFUL_BELOW ? undefined : `answers ${status} at ${path}`);
      },
      onResponseError: (_, error) => finish(`does not answer (${causeOf(error)})`),
    });
  });
}

function causeOf(error: NodeJS.ErrnoException): string {
  const fault = tlsFaultOf(error);
  return fault === undefined ? (error.code ?? error.message) : TLS_FAULT_WORDS[fault];
}

const ANSWERED = new Error('the answer has been seen');
