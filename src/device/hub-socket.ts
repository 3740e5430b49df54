import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';

/** How a wait for the hub ended. */
export type Silence = 'silent' | 'closed' | 'stopped' | 'met';

/** After its last write a connection has so long to deliver it. */
const FAREWELL_MS = 500;

/** One open connection to the hub: its bytes as they come, how long it has been silent, and its end. */
export class HubSocket {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #maxWaitingBytes: number;
  readonly #onClose = new Set<() => void>();
  #onBytes: (chunk: Buffer) => void = ignore;
  #lastHeardAt: number;
  #isOpen = true;
  #heard: PromiseWithResolvers<void> | undefined = undefined;

  /** @param maxWaitingBytes - a hub that asks, and does not read the answers, is not read either from there on */
  constructor(socket: Socket, clock: Clock, maxWaitingBytes: number) {
    this.#socket = socket;
    this.#maxWaitingBytes = maxWaitingBytes;
    this.#clock = clock;
    this.#lastHeardAt = clock.monotonic();
    socket.on('data', (chunk: Buffer) => {
      this.#lastHeardAt = clock.monotonic();
      this.#heard?.resolve();
      this.#heard = undefined;
      this.#onBytes(chunk);
    });
    socket.on('drain', () => socket.resume());
    socket.on('error', ignore); // 'close' follows, and that is what matters.
    socket.on('end', () => this.close());
    socket.on('close', () => this.#ended());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Bytes that the hub has not taken yet. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /** Where bytes go from now on. */
  read(onBytes: (chunk: Buffer) => void): void {
    this.#onBytes = onBytes;
  }

  write(text: string): void {
    if (!this.#isOpen) return;
    this.#socket.write(text);
    if (this.waitingBytes > this.#maxWaitingBytes) this.#socket.pause();
  }

  /** Resolves when the next bytes arrive; never, when none do. */
  nextBytes(): Promise<void> {
    this.#heard ??= Promise.withResolvers();
    return this.#heard.promise;
  }

  /** Calls once at the end of the connection; returns what takes the call back. */
  whenClosed(call: () => void): () => void {
    if (!this.#isOpen) {
      call();
      return ignore;
    }
    this.#onClose.add(call);
    return () => this.#onClose.delete(call);
  }

  /**
   * Resolves once no byte has come for `silenceMs`, or the connection has ended, or `signal` is aborted, or
   * `until` has resolved (then with `met`).
   */
  waitForSilence(silenceMs: number, signal: AbortSignal, until?: Promise<void>): Promise<Silence> {
    if (signal.aborted) return Promise.resolve('stopped');
    if (!this.#isOpen) return Promise.resolve('closed');
    return new Promise((resolve) => {
      const finish = (how: Silence): void => {
        timer.clear();
        forgetClose();
        signal.removeEventListener('abort', onAbort);
        resolve(how);
      };
      const onAbort = (): void => finish('stopped');
      // One timer for each stretch of silence rather than one for each message.
      const look = (): void => {
        const left = silenceMs - (this.#clock.monotonic() - this.#lastHeardAt);
        if (left <= 0) finish('silent');
        else timer = this.#clock.setTimer(left, look);
      };
      let timer = this.#clock.setTimer(silenceMs, look);
      const forgetClose = this.whenClosed(() => finish('closed'));
      signal.addEventListener('abort', onAbort, { once: true });
      void until?.then(() => finish('met'));
    });
  }

  /** Ends the connection; what was written before still leaves, if the hub takes it soon. */
  close(): void {
    if (!this.#isOpen) return;
    this.#ended();
    this.#socket.destroySoon();
    const timer = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
    timer.unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #ended(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onBytes = ignore;
    const calls = [...this.#onClose];
    this.#onClose.clear();
    for (const call of calls) call();
  }
}

const ignore = (): void => {};
