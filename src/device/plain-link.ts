import type { Socket } from 'node:net';
import { fail, succeed, type Result } from '../base/result.ts';
import { inTurn } from './connect-gate.ts';
import { Datagrams } from './datagrams.ts';
import type { PreparedDevice } from './definition.ts';
import { dial, STOPPED, type ConnectFailure } from './dial.ts';
import { HubSocket } from './hub-socket.ts';
import type { Link, LinkListener, Report, ReportStatus } from './link.ts';
import { formatHubAddress, type LinkOptions } from './options.ts';
import { pause } from '../base/waiting.ts';
import { PlainConnection } from './plain-connection.ts';
import { CHECK, writePlainReport } from './plain-words.ts';
import type { DeviceStateReason } from './state.ts';

type Try<T> = Result<T, ConnectFailure>;

/** What the check found: the hub still has the connection, or not, or spoke on it meanwhile. */
type Verdict = 'connected' | 'disconnected' | 'heard' | 'stopped';

/**
 * The way to a hub of version 1, with that protocol's own rules of reconnection: after silence or a broken
 * connection it asks on a second connection whether the first still stands, and connects anew when it does not.
 */
export class PlainLink implements Link {
  readonly #device: PreparedDevice;
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  #connection: PlainConnection | undefined;
  #datagrams: Datagrams | undefined;
  #brokenBecause: string | undefined;

  constructor(device: PreparedDevice, options: LinkOptions, listener: LinkListener) {
    this.#device = device;
    this.#options = options;
    this.#listener = listener;
  }

  async run(signal: AbortSignal): Promise<void> {
    let why: DeviceStateReason = 'starting';
    while (!signal.aborted) {
      const connection = await this.#connect(why, signal);
      if (connection === undefined) break;
      const since = this.#options.clock.monotonic();
      this.#connection = connection;
      await this.#stay(connection, signal);
      this.#leave(connection);
      const lastedMs = this.#options.clock.monotonic() - since;
      why = this.#brokenBecause === undefined ? 'connection-lost' : 'protocol-error';
      const message =
        this.#brokenBecause ??
        `${this.#hub} soon closed the connection: does another device of this address use it?`;
      // A hub that takes a device and lets it go at once would otherwise be tried as fast as the network allows.
      if (why === 'protocol-error' || lastedMs < this.#options.retryMs) {
        await this.#retryLater({ reason: why, message }, signal);
      }
    }
  }

  report(report: Report): ReportStatus {
    const connection = this.#connection;
    if (connection?.socket.isOpen !== true || report.event !== undefined) return 'dropped';
    this.#datagrams ??= new Datagrams(connection.socket, this.#options.udpPort);
    return this.#datagrams.send(Buffer.from(writePlainReport(report, this.#device.metrics)))
      ? 'sent'
      : 'dropped';
  }

  /** Tries until the hub has given an id; undefined when stopped before. */
  async #connect(reason: DeviceStateReason, signal: AbortSignal): Promise<PlainConnection | undefined> {
    let why = reason;
    while (!signal.aborted) {
      this.#listener.onState({ status: 'connecting', reason: why, message: `Connecting to ${this.#hub}.` });
      const opened = await this.#inTurn(signal, () => this.#open(signal));
      if (opened.ok) return opened.value;
      why = opened.failure.reason;
      await this.#retryLater(opened.failure, signal);
    }
    return undefined;
  }

  /** One try. */
  async #open(signal: AbortSignal): Promise<Try<PlainConnection>> {
    const dialled = await dial(this.#options, signal);
    if (!dialled.ok) return dialled;
    const socket = this.#socketOf(dialled.value);
    this.#brokenBecause = undefined;
    const { promise: accepted, resolve: accept } = Promise.withResolvers<void>();
    const listener = {
      onId: (id: string): void => {
        this.#listener.onAccepted(id);
        accept();
      },
      onBroken: (why: string): void => {
        this.#brokenBecause = why;
      },
    };
    const connection = new PlainConnection(socket, {
      device: this.#device,
      options: this.#options,
      listener,
    });
    connection.start();
    const { helloTimeoutMs } = this.#options;
    const end = await socket.waitForSilence(helloTimeoutMs, signal, accepted);
    if (end === 'met' && socket.isOpen) return succeed(connection);
    socket.close();
    const message =
      end === 'silent'
        ? `${this.#hub} gave no id within ${helloTimeoutMs} ms: is it a hub?`
        : (this.#brokenBecause ?? `${this.#hub} closed the connection without giving an id.`);
    return fail({ reason: 'connect-failed', message });
  }

  /** Stays on a connection for as long as it stands. */
  async #stay(connection: PlainConnection, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#showOnline();
      const end = await connection.socket.waitForSilence(this.#options.silenceMs, signal);
      if (end === 'stopped' || this.#brokenBecause !== undefined) return;
      const verdict = await this.#checkUntilAnswered(connection, signal);
      if (verdict === 'disconnected' || verdict === 'stopped' || !connection.socket.isOpen) return;
    }
  }

  /** Asks until somebody answers, or the hub speaks on the old connection after all. */
  async #checkUntilAnswered({ socket }: PlainConnection, signal: AbortSignal): Promise<Verdict> {
    const heard = new AbortController();
    let isAsking = true;
    void socket.nextBytes().then(() => {
      if (isAsking && !signal.aborted) this.#showOnline();
      heard.abort();
    });
    const either = AbortSignal.any([signal, heard.signal]);
    while (!either.aborted) {
      const message = socket.isOpen
        ? `${this.#hub} has been silent: asking whether the connection still stands.`
        : `The connection to ${this.#hub} broke: asking whether it still stands there.`;
      const reason = socket.isOpen ? 'hub-silent' : 'connection-lost';
      this.#listener.onState({ status: 'connecting', reason, message });
      // A question that was begun is asked to its end: hubs do not expect connections on which nothing is said.
      const answer = await this.#inTurn(signal, () => this.#check(signal));
      if (either.aborted) break;
      isAsking = !answer.ok;
      if (answer.ok) return answer.value;
      await this.#retryLater(answer.failure, either);
    }
    return signal.aborted ? 'stopped' : 'heard';
  }

  #socketOf(socket: Socket): HubSocket {
    return new HubSocket(socket, this.#options.clock, this.#options.maxOutboxBytes);
  }

  #showOnline(): void {
    this.#listener.onState({ status: 'online', reason: 'accepted', message: `Connected to ${this.#hub}.` });
  }

  /** Asks once, on a second connection. */
  async #check(signal: AbortSignal): Promise<Try<'connected' | 'disconnected'>> {
    const dialled = await dial(this.#options, signal);
    if (!dialled.ok) return dialled;
    const socket = this.#socketOf(dialled.value);
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    let text = '';
    socket.read((chunk) => {
      text += chunk.toString('latin1');
      if (ANSWERS.has(text.trim()) || text.length > MAX_ANSWER_CHARACTERS) resolve();
    });
    socket.write(CHECK);
    await socket.waitForSilence(this.#options.helloTimeoutMs, signal, answered);
    socket.close();
    const answer = ANSWERS.get(text.trim());
    if (answer !== undefined) return succeed(answer);
    const message = `${this.#hub} did not say whether the connection stands.`;
    return fail({ reason: 'connect-failed', message });
  }

  #inTurn<T>(signal: AbortSignal, act: () => Promise<Try<T>>): Promise<Try<T>> {
    return inTurn(this.#options.gate, { signal, act, whenStopped: STOPPED });
  }

  async #retryLater({ reason, message }: ConnectFailure, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock, random, retryMs, retrySpread } = this.#options;
    const retryInMs = Math.round(retryMs * (1 + (random() * 2 - 1) * retrySpread));
    this.#listener.onState({ status: 'waiting', reason, message, retryInMs });
    await pause(clock, retryInMs, signal);
  }

  #leave(connection: PlainConnection): void {
    connection.socket.close();
    this.#connection = undefined;
    this.#datagrams = undefined;
  }

  get #hub(): string {
    return formatHubAddress(this.#options.hub);
  }
}

const ANSWERS: ReadonlyMap<string, 'connected' | 'disconnected'> = new Map([
  ['Conectado', 'connected'],
  ['Desconectado', 'disconnected'],
]);
const MAX_ANSWER_CHARACTERS = 64;
