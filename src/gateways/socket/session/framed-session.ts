import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import type { Principal } from '../../../accounts/principal.ts';
import type { ErrorCode } from '../../../base/errors.ts';
import type { Device } from '../../../devices/device.ts';
import type { DeviceLink } from '../../../devices/device-link.ts';
import type { Failure } from '../../../devices/failure.ts';
import type { Invocation } from '../../../devices/invocation.ts';
import type { PresenceReason } from '../../../devices/presence.ts';
import type { FramedDevice } from '../directory/device-directory.ts';
import { checkCredentials } from './framed-credentials.ts';
import { readHello, type Hello, type HelloRefusal } from '../wire/framed-hello.ts';
import { LineReader } from '../../../base/line-reader.ts';
import { AskedInvocations } from '../../asked-invocations.ts';
import { deviceFailure, inputTooLarge, lostFailure } from '../../device-failures.ts';
import { ReportedEvents } from '../../reported-events.ts';
import { ReportedReadings } from '../../reported-readings.ts';
import { MAX_UNASKED_MESSAGES } from '../options.ts';
import type { SocketPeer, DeviceSession, SessionContext } from './device-session.ts';
import { tellFault } from './tell-fault.ts';
import { keepDescription } from './keep-description.ts';
import { hasValidMac, ReplayWindow } from '../wire/signed-datagrams.ts';

/** How long a refused or replaced device may take to read why. */
const FAREWELL_MS = 1000;
const MAX_PING_CHARACTERS = 64;
const NO_ROOM = 'The hub keeps as many descriptions as it may.';

/** One connection of a framed device (version 2): a JSON object a line, any number of commands in flight. */
export class FramedSession implements DeviceSession, DeviceLink, FramedDevice {
  readonly maxInFlight: number;
  /** From the hello on with the device as its principal. */
  #peer: SocketPeer;
  readonly #context: SessionContext;
  readonly #reader: LineReader;
  readonly #asked: AskedInvocations;
  readonly #openedAt: number;
  #hello: Omit<Hello, 'description'> | undefined;
  #device: Device | undefined;
  #telemetry: ReportedReadings | undefined;
  #events: ReportedEvents | undefined;
  #udpKey: KeyObject | undefined;
  #window = new ReplayWindow();
  #isEnded = false;
  #lastHeardAt: number;
  #pings = 0;
  #pingSentAt = 0;
  #messageBeganAt = 0;
  #unasked = 0;

  constructor(peer: SocketPeer, context: SessionContext) {
    this.#peer = peer;
    this.#context = context;
    this.maxInFlight = context.options.maxInFlightInvocations;
    this.#asked = new AskedInvocations(this.maxInFlight);
    this.#reader = new LineReader(
      {
        maxBytes: context.options.maxLineBytes,
        maxDepth: context.options.maxNestingDepth,
      },
      peer.party,
    );
    this.#openedAt = context.clock.monotonic();
    this.#lastHeardAt = this.#openedAt;
  }

  get isSilent(): boolean {
    return this.#device === undefined;
  }

  get principal(): Principal {
    return this.#peer.principal;
  }

  /** Empty before the hello. */
  get id(): string {
    return this.#hello?.id ?? '';
  }

  /** What it showed in its hello; whoever takes its id over must show the same. */
  get token(): string | undefined {
    return this.#hello?.token;
  }

  onBytes(chunk: Buffer): void {
    if (this.#isEnded) return;
    this.#reader.push(chunk);
    // One write for all that these bytes make the hub say.
    this.#peer.socket.cork();
    for (let line = this.#reader.next(); line !== undefined && !this.#isEnded; line = this.#reader.next()) {
      this.#messageBeganAt = 0;
      if (line.kind === 'broken') this.#onBroken(line.why, line.tooLarge);
      else this.#onLine(line.value);
    }
    this.#peer.socket.uncork();
    if (this.#reader.isInside && this.#messageBeganAt === 0)
      this.#messageBeganAt = this.#context.clock.monotonic();
    else if (!this.#reader.isInside) this.#messageBeganAt = 0;
  }

  #onBroken(why: string, tooLarge: boolean): void {
    if (tooLarge) this.#context.counters.messagesTooLarge++;
    else this.#context.counters.messagesInvalid++;
    tellFault(
      this.#context,
      this.#peer,
      this.id === '' ? {} : { device: this.id },
      `${this.id || this.#peer.address}: ${why}; closing its connection`,
    );
    const code: ErrorCode = tooLarge ? 'MESSAGE_TOO_LARGE' : 'MESSAGE_INVALID';
    const error = { code, message: `The hub closes this connection: ${why}.` };
    this.#sayGoodbye(this.#device === undefined ? { ok: false, error } : { error }, 'protocol-error');
  }

  #onLine(value: unknown): void {
    this.#lastHeardAt = this.#context.clock.monotonic();
    this.#pingSentAt = 0;
    if (this.#device === undefined) return this.#onHello(value);
    this.#device.lastSeen = this.#context.clock.now();
    if (typeof value !== 'object' || value === null) return this.#onUnasked();
    const message = value as Record<string, unknown>;
    if (typeof message['re'] === 'string') this.#onResult(message['re'], message);
    else if (message['telemetry'] !== undefined) this.#onTelemetry(message);
    else if (typeof message['event'] === 'string') this.#events?.take(message['event'], message);
    else if (isPing(message['ping'])) this.#write({ pong: message['ping'] });
    else if (message['pong'] === undefined) this.#onUnasked();
  }

  #onHello(value: unknown): void {
    const read = readHello(value);
    if (!read.ok) return this.#refuse(read.failure);
    const admitted = checkCredentials(read.value, this.#peer, this.#context);
    if (!admitted.ok) return this.#refuse(admitted.failure);
    this.#peer = { ...this.#peer, principal: admitted.value };
    const { id, token, description } = read.value;
    const other = this.#context.registry.otherGatewayOf(id, 'socket');
    if (other !== undefined) {
      const message = `${id} is a device of the gateway ${other}, until that one is forgotten.`;
      return this.#refuse({ code: 'DEVICE_ID_TAKEN', message });
    }
    const kept = keepDescription(description, this.#peer, this.#context);
    if (kept === undefined) return this.#refuse({ code: 'DESCRIPTION_INVALID', message: NO_ROOM });
    this.#hello = { id, token };
    const udpKey = randomBytes(32);
    // Made once: a key of bytes is made anew for each datagram, which costs five times the rest of its check.
    this.#udpKey = createSecretKey(udpKey);
    this.#write({
      ok: true,
      id: this.id,
      session: randomBytes(12).toString('base64url'),
      keepAliveMs: this.#context.options.framedKeepAliveMs,
      udpKey: udpKey.toString('base64url'),
    });
    this.#device = this.#context.registry.connect(this.id, {
      gateway: 'socket',
      description: kept,
      link: this,
    });
    this.#telemetry = new ReportedReadings(this.#context, this.#device, (text) =>
      this.#warn('READING_REFUSED', text),
    );
    this.#events = new ReportedEvents(this.#context, this.#device, (text) =>
      this.#warn('EVENT_REFUSED', text),
    );
    this.#context.directory.addFramed(this);
  }

  #refuse({ code, message }: HelloRefusal): void {
    this.#context.counters.handshakesFailed++;
    tellFault(
      this.#context,
      this.#peer,
      { code },
      `a device at ${this.#peer.address} was refused: ${message}`,
    );
    this.#sayGoodbye({ ok: false, error: { code, message } }, 'protocol-error');
  }

  #onResult(invocationId: string, message: Record<string, unknown>): void {
    const invocation = this.#asked.take(invocationId);
    if (invocation === undefined) {
      this.#context.counters.messagesUnasked++;
      return;
    }
    if (message['error'] === undefined || message['error'] === null)
      return invocation.answer(message['output'] ?? null);
    invocation.fail(deviceFailure(this.id, invocation.command.name, message['error']));
  }

  #onTelemetry(message: Record<string, unknown>): boolean {
    if (this.#telemetry?.take(message) === true) return true;
    this.#onUnasked();
    return false;
  }

  /** A signed datagram that names this device. */
  onDatagram(bytes: Buffer, message: Record<string, unknown>): void {
    const { counters } = this.#context;
    if (this.#udpKey === undefined || this.#device === undefined || !hasValidMac(bytes, this.#udpKey)) {
      counters.datagramsDroppedForged++;
      return;
    }
    const lostBefore = this.#window.lost;
    if (!this.#window.accept(Number(message['seq']))) {
      counters.datagramsDroppedReplayed++;
      return;
    }
    counters.datagramsLost += this.#window.lost - lostBefore;
    this.#device.lastSeen = this.#context.clock.now();
    if (this.#onTelemetry(message)) counters.datagramsTaken++;
    else counters.datagramsDroppedInvalid++;
  }

  #warn(code: ErrorCode, message: string): void {
    this.#write({ warning: { code, message } });
  }

  #onUnasked(): void {
    this.#context.counters.messagesUnasked++;
    if (++this.#unasked > MAX_UNASKED_MESSAGES)
      this.#onBroken('too many messages that the protocol does not know', false);
  }

  invoke(invocation: Invocation): void {
    const refusal = this.#send(invocation);
    if (refusal === undefined) invocation.markSent();
    else invocation.fail(refusal);
  }

  /** Writes a command; why it cannot be, otherwise. */
  #send(invocation: Invocation): Failure | undefined {
    const { options, counters } = this.#context;
    const waiting = this.#peer.socket.writableLength;
    if (waiting > options.maxOutboxBytes) {
      counters.outboxFull++;
      return {
        code: 'TOO_MANY_INVOCATIONS',
        message: `Device ${this.id} does not read what the hub sends: ${waiting} bytes wait.`,
        retryAfterSeconds: 1,
      };
    }
    const { id, command, inputText, traceparent } = invocation;
    const input = inputText === undefined ? '' : `,"input":${inputText}`;
    const deadline = `"deadlineMs":${Math.ceil(invocation.remainingMs)}`;
    const trace = traceparent === undefined ? '' : `,"traceparent":${JSON.stringify(traceparent)}`;
    const line = `{"cmd":"${id}","name":${JSON.stringify(command.name)}${input},${deadline}${trace}}`;
    if (Buffer.byteLength(line) > options.maxLineBytes)
      return inputTooLarge(this.id, 'line', ['gateways.socket.maxLineBytes', options.maxLineBytes]);
    this.#asked.add(invocation);
    this.#peer.socket.write(`${line}\n`);
    this.#peer.unread.look();
    return undefined;
  }

  cancel(invocation: Invocation): void {
    if (!this.#asked.giveUp(invocation)) return;
    this.#write({ cancel: invocation.id });
    invocation.release();
  }

  close(reason: PresenceReason): void {
    const error = FAREWELLS[reason];
    if (error === undefined) this.end(reason);
    else this.#sayGoodbye({ error }, reason);
  }

  tick(now: number): void {
    const { options, counters } = this.#context;
    if (this.#isEnded) return;
    if (this.#device === undefined) {
      if (now - this.#openedAt < options.handshakeTimeoutMs) return;
      counters.handshakeTimeouts++;
      const message = `The hello did not come within ${options.handshakeTimeoutMs} ms.`;
      return this.#refuse({ code: 'HELLO_INVALID', message });
    }
    if (this.#messageBeganAt > 0 && now - this.#messageBeganAt > options.messageTimeoutMs) {
      counters.messageTimeouts++;
      return this.#onBroken(`a line did not end within ${options.messageTimeoutMs} ms`, false);
    }
    if (this.#pingSentAt > 0) {
      if (now - this.#pingSentAt < options.keepAliveTimeoutMs) return;
      counters.keepAliveTimeouts++;
      return this.end('keep-alive-timeout');
    }
    if (now - this.#lastHeardAt < options.framedKeepAliveMs) return;
    this.#pingSentAt = now;
    counters.keepAlivesSent++;
    this.#write({ ping: ++this.#pings });
  }

  #write(message: object): void {
    if (this.#isEnded) return;
    this.#peer.socket.write(`${JSON.stringify(message)}\n`);
    this.#peer.unread.look();
    // A peer that asks and does not read would fill the hub's memory with answers. Twice, because a command that was
    // let in just below the limit may itself be long.
    if (this.#peer.socket.writableLength <= this.#context.options.maxOutboxBytes * 2) return;
    this.#context.counters.outboxFull++;
    this.end('protocol-error');
  }

  /** Sends a last line, ends the session now, and the socket once the line has left or a second has passed. */
  #sayGoodbye(message: object, reason: PresenceReason): void {
    if (this.#isEnded) return;
    const { socket } = this.#peer;
    this.#write(message);
    this.#leave(reason);
    socket.end();
    const timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  end(reason: PresenceReason): void {
    if (this.#isEnded) return;
    this.#leave(reason);
    this.#peer.socket.destroy();
  }

  #leave(reason: PresenceReason): void {
    this.#isEnded = true;
    this.#reader.close();
    this.#context.directory.removeFramed(this);
    if (this.#device !== undefined) this.#context.registry.disconnect(this.#device, this, reason);
    for (const invocation of this.#asked.giveUpAll()) invocation.fail(lostFailure(this.id));
  }
}

const FAREWELLS: Partial<Record<PresenceReason, { code: ErrorCode; message: string }>> = {
  'taken-over': {
    code: 'TAKEN_OVER',
    message: 'Another connection came with the same id, and the hub now speaks with that one.',
  },
  'hub-stopping': { code: 'HUB_STOPPING', message: 'The hub is shutting down. Come back later.' },
};

/** What a ping may carry, and its pong gives back: a number, or a short text. */
function isPing(value: unknown): value is number | string {
  return typeof value === 'number' || (typeof value === 'string' && value.length <= MAX_PING_CHARACTERS);
}
