import { fail, succeed, type Result } from '../base/result.ts';
import { Backoff } from './backoff.ts';
import { inTurn } from './connect-gate.ts';
import { Datagrams } from './datagrams.ts';
import type { PreparedDevice } from './definition.ts';
import { dial, STOPPED } from './dial.ts';
import { FramedConnection, type HubError, type Welcome } from './framed-connection.ts';
import { HubSocket, type Silence } from './hub-socket.ts';
import type { Link, LinkListener, Report, ReportStatus } from './link.ts';
import { formatHubAddress, type LinkOptions } from './options.ts';
import { pause } from '../base/waiting.ts';
import { writeSignedDatagram } from './signed-datagram.ts';
import type { DeviceStateReason } from './state.ts';

/** Why a connection ended or was not made. `isFinal`: trying again soon would only bring the same. */
type End = { readonly reason: DeviceStateReason; readonly message: string; readonly isFinal: boolean };

type FramedLinkSession = {
  readonly connection: FramedConnection;
  welcome: Welcome | undefined;
  /** What the hub said before it closed the connection, or what it said wrong. */
  told: End | undefined;
};

type Opened = Result<FramedLinkSession, End>;

/** The way to a hub of version 2: reconnects with exponential backoff and full jitter. */
export class FramedLink implements Link {
  readonly #device: PreparedDevice;
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  readonly #backoff: Backoff;
  /** The one that the hub has accepted, while it stands. */
  #session: FramedLinkSession | undefined;
  #datagrams: Datagrams | undefined;
  #sequence = 0;

  constructor(device: PreparedDevice, options: LinkOptions, listener: LinkListener) {
    this.#device = device;
    this.#options = options;
    this.#listener = listener;
    this.#backoff = new Backoff({
      minMs: options.minBackoffMs,
      maxMs: options.maxBackoffMs,
      random: options.random,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    let reason: DeviceStateReason = 'starting';
    while (!signal.aborted) {
      this.#listener.onState({ status: 'connecting', reason, message: `Connecting to ${this.#hub}.` });
      const opened = await inTurn(this.#options.gate, {
        signal,
        act: () => this.#open(signal),
        whenStopped: { ...STOPPED, isFinal: true },
      });
      const end = opened.ok ? await this.#stay(opened.value, signal) : opened.failure;
      if (signal.aborted) return;
      const retryInMs = end.isFinal ? this.#backoff.longest() : this.#backoff.next();
      this.#listener.onState({ status: 'waiting', reason: end.reason, message: end.message, retryInMs });
      await pause(this.#options.clock, retryInMs, signal);
      reason = end.reason;
    }
  }

  report(report: Report): ReportStatus {
    const { connection, welcome } = this.#session ?? {};
    if (connection === undefined || welcome === undefined || !connection.socket.isOpen) return 'queued';
    // This version has no words for it.
    if (report.readings === undefined && report.event === undefined) return 'dropped';
    if (this.#sendDatagram(report, connection.socket, welcome)) return 'sent';
    if (connection.socket.waitingBytes > this.#options.maxOutboxBytes) return 'queued';
    connection.report(report);
    return 'sent';
  }

  /** False when the report must take the connection. Late ones do: they come in numbers, and datagrams get lost. */
  #sendDatagram(report: Report, socket: HubSocket, { id, udpKey }: Welcome): boolean {
    const { telemetryBy, clock, maxDatagramBytes, udpPort } = this.#options;
    if (
      telemetryBy === 'connection' ||
      udpKey === undefined ||
      report.isLate ||
      report.readings === undefined
    )
      return false;
    const datagram = writeSignedDatagram(
      {
        id,
        seq: this.#sequence + 1,
        telemetry: report.readings,
        at: report.at ?? new Date(clock.now()).toISOString(),
      },
      udpKey,
    );
    if (datagram.length > maxDatagramBytes) return false;
    this.#datagrams ??= new Datagrams(socket, udpPort);
    if (!this.#datagrams.send(datagram)) return false;
    this.#sequence++;
    return true;
  }

  /** One try: connects, says hello, and waits for the answer. */
  async #open(signal: AbortSignal): Promise<Opened> {
    const { clock, helloTimeoutMs } = this.#options;
    const dialled = await dial(this.#options, signal);
    if (!dialled.ok) return fail({ ...dialled.failure, isFinal: false });
    const socket = new HubSocket(dialled.value, clock, this.#options.maxOutboxBytes);
    const { promise: welcomed, resolve } = Promise.withResolvers<void>();
    const listener = {
      onWelcome: (welcome: Welcome): void => {
        session.welcome = welcome;
        resolve();
      },
      onError: (error: HubError): void => {
        session.told = endOf(error, session.welcome !== undefined);
        socket.close();
      },
      onBroken: (message: string): void => {
        session.told = { reason: 'protocol-error', message, isFinal: false };
      },
    };
    const connection = new FramedConnection(socket, {
      device: this.#device,
      options: this.#options,
      listener,
    });
    const session: FramedLinkSession = { connection, welcome: undefined, told: undefined };
    connection.start();
    const end = await socket.waitForSilence(helloTimeoutMs, signal, welcomed);
    if (end === 'met') return succeed(session);
    socket.close();
    if (session.told !== undefined) return fail(session.told);
    const what =
      end === 'silent'
        ? `did not answer within ${helloTimeoutMs} ms`
        : 'closed the connection without an answer';
    return fail({
      reason: 'connect-failed',
      message: `${this.#hub} ${what}: is it a hub?`,
      isFinal: false,
    });
  }

  /** Stays on an accepted connection for as long as it stands. */
  async #stay(session: FramedLinkSession, signal: AbortSignal): Promise<End> {
    const { clock, stableMs } = this.#options;
    const { socket } = session.connection;
    const welcome = session.welcome as Welcome;
    const since = clock.monotonic();
    this.#session = session;
    this.#sequence = 0;
    this.#listener.onAccepted(welcome.id);
    this.#listener.onState({ status: 'online', reason: 'accepted', message: `Connected to ${this.#hub}.` });
    const end = await this.#untilItEnds(session.connection, welcome.keepAliveMs, signal);
    this.#session = undefined;
    this.#datagrams = undefined;
    socket.close();
    if (clock.monotonic() - since >= stableMs) this.#backoff.reset();
    if (session.told !== undefined) return session.told;
    if (end !== 'silent')
      return { reason: 'connection-lost', message: `The connection to ${this.#hub} broke.`, isFinal: false };
    return {
      reason: 'hub-silent',
      message: `${this.#hub} did not answer within ${welcome.keepAliveMs} ms.`,
      isFinal: false,
    };
  }

  /**
   * A hub that was silent for one keep-alive time is asked, and has the next one to answer: it pings only devices that
   * are silent, so one that reports hears nothing.
   */
  async #untilItEnds(
    connection: FramedConnection,
    keepAliveMs: number,
    signal: AbortSignal,
  ): Promise<Silence> {
    const { socket } = connection;
    for (;;) {
      const quiet = await socket.waitForSilence(keepAliveMs, signal);
      if (quiet !== 'silent') return quiet;
      connection.ping();
      const end = await socket.waitForSilence(keepAliveMs, signal, socket.nextBytes());
      if (end !== 'met') return end;
    }
  }

  get #hub(): string {
    return formatHubAddress(this.#options.hub);
  }
}

/** Refusals that last until somebody changes the device, or the hub's configuration. */
const LASTING_REFUSALS: ReadonlySet<string> = new Set([
  'HELLO_INVALID',
  'DESCRIPTION_INVALID',
  'DEVICE_TOKEN_INVALID',
  'FORBIDDEN',
]);

function endOf({ code, message }: HubError, wasAccepted: boolean): End {
  if (code === 'TAKEN_OVER') return { reason: 'taken-over', message, isFinal: true };
  const text = `${message} (${code})`;
  if (wasAccepted) return { reason: 'connection-lost', message: text, isFinal: false };
  return { reason: 'refused', message: text, isFinal: LASTING_REFUSALS.has(code) };
}
