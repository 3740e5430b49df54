import { TRUSTED_NETWORK, type Principal } from '../../accounts/principal.ts';
import type { Place } from '../../base/connection-places.ts';
import type { Holder, Holding } from '../../base/holding.ts';
import { CONNECTION_BYTES, KeptKind } from '../../base/kept-kinds.ts';
import { addressParty } from '../../base/networks.ts';
import type { PresenceReason } from '../../devices/presence.ts';
import { FramedSession } from './session/framed-session.ts';
import { MAX_CHECKS_PER_CONNECTION } from './options.ts';
import { PlainMessageReader } from './wire/plain-messages.ts';
import { PlainSession } from './session/plain-session.ts';
import type { SocketPeer, DeviceSession, SessionContext } from './session/device-session.ts';
import { UnreadBytes } from './session/unread-bytes.ts';

const OPEN_BRACE = 0x7b;
/** What is given back when it is closed. What its device says of itself stays while the device is in the list. */
const HELD: readonly KeptKind[] = [KeptKind.CONNECTION, KeptKind.PARTIAL];

/** Says once for each address that its devices are refused, and what to set. */
export function tellUntrusted(context: SessionContext, address: string): void {
  const remedy = 'list its network in gateways.socket.trustedNetworks to let it in';
  context.tellOnce.warn(
    'untrusted',
    address,
    `a device at ${address} was refused, because it has no credentials and its network is not trusted: ${remedy}`,
  );
}

/** A TCP connection: finds out what it speaks, then hands its bytes to that session. */
export class SocketConnection implements Holder {
  readonly peer: SocketPeer;
  /** Its address, as far as it tells peers apart. */
  readonly addressParty: string;
  place: Place<SocketConnection> | undefined = undefined;
  readonly #context: SessionContext;
  readonly #openedAt: number;
  /** Cuts the first words; a plain session reads on where it stopped. */
  #opening: PlainMessageReader | undefined;
  #session: DeviceSession | undefined;
  #checks = 0;
  #isEnded = false;
  #holding: Holding | undefined = undefined;

  constructor(peer: Omit<SocketPeer, 'party' | 'unread'>, context: SessionContext) {
    this.addressParty = addressParty(peer.address);
    const party = context.ledger.open(this.addressParty);
    const onFull = (): void => this.#endUnread();
    const unread = new UnreadBytes(peer.socket, { party, turn: context.turn, onFull });
    this.peer = { ...peer, party, unread };
    this.#context = context;
    this.#openedAt = context.clock.monotonic();
  }

  /** It is let in, and booked. */
  admitted(): void {
    this.#holding = this.peer.party.hold(this);
  }

  /** Ends, because others need the room that its address has taken. */
  yieldRoom(kind?: KeptKind): void {
    const holdsIt =
      kind === KeptKind.OUTBOX ? this.peer.unread.isBooked : kind === undefined || HELD.includes(kind);
    if (!holdsIt) return;
    this.end('protocol-error');
    this.releaseBooking();
  }

  /** It is closed, or as good as that. */
  releaseBooking(): void {
    if (this.#holding === undefined) return;
    this.#holding.leave();
    this.#holding = undefined;
    this.peer.unread.close();
    this.peer.party.release(KeptKind.CONNECTION, CONNECTION_BYTES);
    this.peer.party.close();
  }

  get isSilent(): boolean {
    return this.#session?.isSilent ?? true;
  }

  /** The device that has said hello; empty where none has. */
  get deviceId(): string {
    return this.#session instanceof FramedSession ? this.#session.id : '';
  }

  /** Who is at the other end by now. */
  get principal(): Principal {
    return this.#session?.principal ?? this.peer.principal;
  }

  onBytes(chunk: Buffer): void {
    if (this.#isEnded) return;
    if (this.#session !== undefined) return this.#session.onBytes(chunk);
    if (this.#opening === undefined && chunk[0] === OPEN_BRACE) {
      this.#session = new FramedSession(this.peer, this.#context);
      return this.#session.onBytes(chunk);
    }
    this.#onOpening(chunk);
  }

  #onOpening(chunk: Buffer): void {
    if (this.peer.principal !== TRUSTED_NETWORK) {
      this.#context.counters.connectionsRefusedUntrusted++;
      tellUntrusted(this.#context, this.peer.address);
      return this.end('protocol-error');
    }
    const { options } = this.#context;
    this.#opening ??= new PlainMessageReader(
      {
        maxBytes: options.maxMessageBytes,
        maxDepth: options.maxNestingDepth,
      },
      this.peer.party,
    );
    this.#opening.push(chunk);
    for (
      let message = this.#opening.next();
      message !== undefined && !this.#isEnded;
      message = this.#opening.next()
    ) {
      if (message.kind === 'word' && message.word === 'Conexão') return this.#beginPlain(this.#opening);
      if (
        message.kind === 'word' &&
        message.word === 'Checagem' &&
        ++this.#checks <= MAX_CHECKS_PER_CONNECTION
      ) {
        this.#answerCheck();
      } else {
        this.#context.counters.handshakesFailed++;
        this.end('protocol-error');
      }
    }
  }

  #beginPlain(reader: PlainMessageReader): void {
    const { registry, directory, options } = this.#context;
    const id = directory.ids.take(this.peer.address, (candidate) => {
      if (Object.hasOwn(options.deviceTokens, candidate)) return true;
      if (registry.otherGatewayOf(candidate, 'socket') !== undefined) return true;
      return registry.get(candidate)?.isOnline === true && directory.plain(candidate) === undefined;
    });
    const session = new PlainSession(id, this.peer, this.#context, { reader, openedAt: this.#openedAt });
    this.#session = session;
    this.#opening = undefined;
    session.greet();
    session.readOn();
  }

  /** A device asks whether its other connection is still good. `Desconectado` is always safe: it comes anew then. */
  #answerCheck(): void {
    const group = this.#context.directory.plainAt(this.peer.address);
    const [only] = group?.sources() ?? [];
    const isGood = group?.size === 1 && only?.isGood === true;
    this.#context.counters.checksAnswered++;
    this.peer.socket.write(isGood ? 'Conectado' : 'Desconectado');
  }

  tick(now: number): void {
    if (this.#session !== undefined) return this.#session.tick(now);
    if (now - this.#openedAt < this.#context.options.handshakeTimeoutMs) return;
    this.#context.counters.handshakeTimeouts++;
    this.end('protocol-error');
  }

  /** It asks and does not read, where there is no room for what waits. */
  #endUnread(): void {
    this.#context.counters.outboxFull++;
    this.end('protocol-error');
  }

  /** The hub is going: the session says so where its protocol has words for it. */
  stop(): void {
    if (this.#session instanceof FramedSession) this.#session.close('hub-stopping');
    else this.end('hub-stopping');
  }

  end(reason: PresenceReason): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#opening?.close();
    if (this.#session === undefined) this.peer.socket.destroy();
    else this.#session.end(reason);
  }
}
