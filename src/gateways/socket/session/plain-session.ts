import type { Principal } from '../../../accounts/principal.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { Device } from '../../../devices/device.ts';
import type { DeviceLink } from '../../../devices/device-link.ts';
import type { Failure } from '../../../devices/failure.ts';
import type { Invocation } from '../../../devices/invocation.ts';
import type { PresenceReason } from '../../../devices/presence.ts';
import type { PlainDevice } from '../directory/device-directory.ts';
import { DatagramWaiters } from './datagram-waiters.ts';
import { MAX_UNASKED_MESSAGES } from '../options.ts';
import { readPlainDescription, type PlainDescription } from '../wire/plain-description.ts';
import { encodePlainCommand, PlainMessageReader, type PlainMessage } from '../wire/plain-messages.ts';
import { inputTooLarge, lostFailure, offlineFailure } from '../../device-failures.ts';
import { keepDescription } from './keep-description.ts';
import { NEXT_PLAIN_STATES, type PlainQuestion, type PlainState } from './plain-question.ts';
import { PlainTelemetry } from './plain-telemetry.ts';
import type { SocketPeer, DeviceSession, SessionContext } from './device-session.ts';
import { tellFault } from './tell-fault.ts';

/** The command that every plain device answers with `Recebido`. */
const KEEP_ALIVE = encodePlainCommand(0);

/**
 * One connected plain device (version 1), from its `Conexão` on. Its answers carry no id, so at most one thing is
 * asked at a time: a keep-alive, or a command.
 */
export class PlainSession implements DeviceSession, DeviceLink, PlainDevice {
  readonly maxInFlight = 1;
  readonly id: string;
  readonly address: string;
  readonly tcpPort: number;
  readonly #peer: SocketPeer;
  readonly #context: SessionContext;
  readonly #reader: PlainMessageReader;
  readonly #waiters: DatagramWaiters;
  readonly #telemetry: PlainTelemetry;
  readonly #openedAt: number;
  #device: Device | undefined;
  #plain: Omit<PlainDescription, 'description'> | undefined;
  #state: PlainState = 'describing';
  /** While `asking` and `awaiting`. */
  #question: PlainQuestion | undefined;
  /** The next command, held back until what is being asked or read is complete. */
  #held: Invocation | undefined;
  #lastSentAt: number;
  #lastHeardAt: number;
  #messageBeganAt = 0;
  #unasked = 0;

  /** @param openedAt - when the connection was opened; monotonic ms */
  constructor(
    id: string,
    peer: SocketPeer,
    context: SessionContext,
    opening: { reader: PlainMessageReader; openedAt: number },
  ) {
    this.id = id;
    this.address = peer.address;
    this.tcpPort = peer.port;
    this.#peer = peer;
    this.#context = context;
    this.#reader = opening.reader;
    this.#telemetry = new PlainTelemetry(context);
    this.#waiters = new DatagramWaiters(context.options.datagramWaitMs);
    this.#openedAt = opening.openedAt;
    this.#lastSentAt = context.clock.monotonic();
    this.#lastHeardAt = this.#lastSentAt;
  }

  get isSilent(): boolean {
    return this.#device === undefined;
  }

  get principal(): Principal {
    return this.#peer.principal;
  }

  get sendsDatagrams(): boolean {
    return (this.#plain?.datagramCommands.size ?? 0) > 0;
  }

  /** What a `Checagem` wants to know: has the device been heard from within the time in which it must answer? */
  get isGood(): boolean {
    const silentMs = this.#context.clock.monotonic() - this.#lastHeardAt;
    const isConnected = this.#state !== 'describing' && this.#state !== 'ended';
    return isConnected && silentMs <= this.#context.options.keepAliveTimeoutMs;
  }

  /** Greets the device with its id; its description comes next. */
  greet(): void {
    this.#peer.socket.write(this.id);
  }

  onBytes(chunk: Buffer): void {
    if (this.#hasEnded()) return;
    this.#reader.push(chunk);
    this.readOn();
  }

  /** Reads what the reader still holds. Also called when the connection hands over after the first word. */
  readOn(): void {
    let message = this.#reader.next();
    while (message !== undefined && !this.#hasEnded()) {
      this.#messageBeganAt = 0;
      this.#onMessage(message);
      message = this.#reader.next();
    }
    if (this.#hasEnded()) return;
    if (this.#reader.isInside && this.#messageBeganAt === 0)
      this.#messageBeganAt = this.#context.clock.monotonic();
    this.#askHeld();
  }

  #onMessage(message: PlainMessage): void {
    this.#lastHeardAt = this.#context.clock.monotonic();
    if (message.kind === 'broken') return this.#onBroken(message.why, message.tooLarge);
    if (this.#device === undefined) return this.#onDescription(message);
    this.#device.lastSeen = this.#context.clock.now();
    if (message.kind === 'word') this.#onWord(message.word);
    else this.#onAnswer(message);
  }

  #onBroken(why: string, tooLarge: boolean): void {
    if (tooLarge) this.#context.counters.messagesTooLarge++;
    else this.#context.counters.messagesInvalid++;
    const message = `What device ${this.id} sent ${why}. Its connection was closed.`;
    this.#question?.invocation?.fail({ code: 'BAD_ANSWER', message });
    tellFault(
      this.#context,
      this.#peer,
      { device: this.id },
      `what device ${this.id} sent ${why}: closing its connection`,
    );
    this.end('protocol-error');
  }

  #onDescription(message: PlainMessage): void {
    const plain = message.kind === 'value' ? readPlainDescription(message.value) : undefined;
    if (plain === undefined) {
      tellFault(
        this.#context,
        this.#peer,
        { device: this.id },
        `${this.address} sent what is no description of commands: closing its connection`,
      );
      return this.#failHandshake();
    }
    // Somebody with credentials came with this id between the two steps of the handshake.
    if (this.#context.registry.get(this.id)?.isOnline === true) return this.#failHandshake();
    const { description, datagramCommands, describeNumber } = plain;
    const kept = keepDescription(description, this.#peer, this.#context);
    if (kept === undefined) return this.#failHandshake();
    this.#plain = { datagramCommands, describeNumber };
    this.#context.directory.addPlain(this, this.#context.clock.monotonic());
    this.#device = this.#context.registry.connect(this.id, {
      gateway: 'socket',
      description: kept,
      link: this,
    });
    // It may have had to go at once.
    if (!this.#hasEnded()) this.#go('idle');
  }

  #failHandshake(): void {
    this.#context.counters.handshakesFailed++;
    this.end('protocol-error');
  }

  #onWord(word: string): void {
    if (word === 'Recebido' && this.#awaits('Recebido'))
      this.#settle((invocation) => invocation.answer(word));
    else this.#onUnasked();
  }

  #onAnswer(message: PlainMessage & { kind: 'value' | 'unreadable' }): void {
    if (!this.#awaits('Resposta')) return this.#onUnasked();
    if (message.kind === 'unreadable') return this.#onBadAnswer(`cannot be read: ${message.why}`);
    const answer = message.value as Record<string, unknown>;
    if (!Object.hasOwn(answer, 'Resposta')) return this.#onBadAnswer('has no "Resposta"');
    this.#learnTitle(answer['Resposta']);
    this.#settle((invocation) => invocation.answer(answer['Resposta']));
  }

  #onBadAnswer(why: string): void {
    this.#context.counters.messagesInvalid++;
    const message = `The answer of device ${this.id} ${why}.`;
    this.#settle((invocation) => invocation.fail({ code: 'BAD_ANSWER', message }));
  }

  #awaits(endsWith: PlainQuestion['endsWith']): boolean {
    return this.#state === 'awaiting' && this.#question?.endsWith === endsWith;
  }

  /** What was asked has its answer. */
  #settle(call: (invocation: Invocation) => void): void {
    const invocation = this.#question?.invocation;
    this.#question = undefined;
    this.#go('idle');
    if (invocation !== undefined) call(invocation);
  }

  #go(next: PlainState): void {
    if (!NEXT_PLAIN_STATES[this.#state].includes(next))
      throw new Error(`the session of ${this.id} cannot go from ${this.#state} to ${next}`);
    this.#state = next;
  }

  #hasEnded(): boolean {
    return this.#state === 'ended';
  }

  #onUnasked(): void {
    this.#context.counters.messagesUnasked++;
    if (++this.#unasked > MAX_UNASKED_MESSAGES) {
      tellFault(
        this.#context,
        this.#peer,
        { device: this.id },
        `device ${this.id} keeps sending what nobody asked for: closing its connection`,
      );
      this.end('protocol-error');
    }
  }

  #learnTitle(output: unknown): void {
    if (this.#question?.invocation?.command.number !== this.#plain?.describeNumber) return;
    const title = isJsonObject(output) ? output['Descrição'] : undefined;
    if (typeof title === 'string' && title.length <= 256) this.#device?.learnTitle(title);
  }

  invoke(invocation: Invocation): void {
    if (this.#plain?.datagramCommands.has(invocation.command.number) === true) {
      // Answered by what comes anyway: the line stays free for others.
      if (!this.#waiters.add(invocation, this.#context.clock.monotonic()))
        this.#context.counters.datagramWaitersRefused++;
      invocation.release();
    } else {
      this.#held = invocation;
      this.#askHeld();
    }
  }

  cancel(invocation: Invocation): void {
    if (this.#held === invocation) {
      this.#held = undefined;
      invocation.release();
    } else if (this.#question?.invocation === invocation) {
      this.#checkAnswerTime(this.#question, this.#context.clock.monotonic());
    }
  }

  close(reason: PresenceReason): void {
    this.end(reason);
  }

  #askHeld(): void {
    const held = this.#held;
    if (held === undefined || this.#state !== 'idle' || this.#reader.isBusy) return;
    this.#held = undefined;
    this.#askCommand(held);
  }

  #askCommand(invocation: Invocation): void {
    const { command, inputText } = invocation;
    const message = encodePlainCommand(command.number, inputText);
    const { maxCommandBytes } = this.#context.options;
    if (Buffer.byteLength(message) > maxCommandBytes)
      return invocation.fail(
        inputTooLarge(this.id, 'command', ['gateways.socket.maxCommandBytes', maxCommandBytes]),
      );
    const endsWith = invocation.command.number === 0 ? 'Recebido' : 'Resposta';
    this.#ask({ message, invocation, endsWith, askedAt: this.#context.clock.monotonic() });
    invocation.markSent();
  }

  /** Answers carry no id: the next question goes when this one has its answer. */
  #ask(question: PlainQuestion): void {
    this.#go('asking');
    this.#question = question;
    this.#lastSentAt = question.askedAt;
    this.#context.turn.add(this);
  }

  endTurn(): void {
    if (this.#state !== 'asking' || this.#question === undefined) return;
    this.#go('awaiting');
    this.#peer.socket.write(this.#question.message);
    this.#peer.unread.look();
  }

  tick(now: number): void {
    const { options, counters } = this.#context;
    if (this.#hasEnded()) return;
    if (this.#state === 'describing') {
      if (now - this.#openedAt < options.handshakeTimeoutMs) return;
      counters.handshakeTimeouts++;
      return this.end('protocol-error');
    }
    this.#waiters.expire(now, this.id);
    if (this.#messageBeganAt > 0 && now - this.#messageBeganAt > options.messageTimeoutMs) {
      counters.messageTimeouts++;
      return this.end('protocol-error');
    }
    if (this.#question?.endsWith === 'Resposta') return this.#checkAnswerTime(this.#question, now);
    if (this.#question !== undefined) {
      if (now - this.#question.askedAt < options.keepAliveTimeoutMs) return;
      counters.keepAliveTimeouts++;
      return this.end('keep-alive-timeout');
    }
    if (now - this.#lastSentAt < options.keepAliveMs) return;
    counters.keepAlivesSent++;
    this.#ask({ message: KEEP_ALIVE, invocation: undefined, endsWith: 'Recebido', askedAt: now });
  }

  /**
   * The answer has `answerTimeoutMs` to come, however long its caller waits. A caller that leaves early does not end
   * the question: the answer may still come, and must not be taken for the next one. When it has had its time, the
   * line is in doubt, and a closed one is better than a wrong answer.
   */
  #checkAnswerTime(question: PlainQuestion, now: number): void {
    if (now - question.askedAt < this.#context.options.answerTimeoutMs) return;
    this.#context.counters.answerTimeouts++;
    this.end('answer-timeout');
  }

  end(reason: PresenceReason): void {
    if (this.#hasEnded()) return;
    this.#go('ended');
    this.#reader.close();
    const asked = this.#question?.invocation;
    this.#question = undefined;
    this.#peer.socket.destroy();
    this.#context.directory.removePlain(this);
    this.#context.directory.ids.release(this.address, this.id);
    // The device leaves first: what is failed below must not make the lane send the next command here.
    if (this.#device !== undefined) this.#context.registry.disconnect(this.#device, this, reason);
    asked?.fail(reason === 'answer-timeout' ? this.#tooLate() : lostFailure(this.id));
    this.#held?.fail(offlineFailure(this.id));
    this.#held = undefined;
    this.#waiters.failAll({
      code: 'DEVICE_OFFLINE',
      message: `Device ${this.id} went offline.`,
      retryAfterSeconds: 5,
    });
  }

  #tooLate(): Failure {
    const { answerTimeoutMs } = this.#context.options;
    return {
      code: 'ANSWER_TIMEOUT',
      message: `Device ${this.id} did not answer within ${answerTimeoutMs} ms (gateways.socket.answerTimeoutMs). Its connection was closed.`,
    };
  }

  /** A datagram that is this device's. False when it cannot be read. */
  onDatagram(bytes: Buffer): boolean {
    if (this.#device === undefined) return false;
    const reading = this.#telemetry.take(bytes, this.#device);
    if (reading === undefined) return false;
    this.#waiters.resolve(reading);
    return true;
  }
}
