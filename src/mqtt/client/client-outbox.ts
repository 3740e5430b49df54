import type { Clock, Timer } from '../../base/clock.ts';
import type { Turn, TurnWork } from '../../base/turn.ts';
import { MAX_UINT_16 } from '../codec/control-packet.ts';
import { PacketWriter } from '../codec/writer.ts';
import { Written, type Transport } from '../transport/transport.ts';

/** A turn that collects more sends it before it ends. */
const FLUSH_BYTES = 65_536;
/** A larger buffer is not kept for another time. */
const MAX_SPARE_BYTES = 1_048_576;

/** Longest time of a timer: how long it lingers is looked after here. */
const NEVER_MS = 2 ** 31 - 1;

const OutboxMode = {
  OPEN: 0,
  /** The transport takes no more for now. */
  BLOCKED: 1,
  ENDED: 2,
  /** Ended, and the system has all that was sent. */
  SENT: 3,
} as const;
type OutboxMode = (typeof OutboxMode)[keyof typeof OutboxMode];

/** What a client sends over one connection: collected until the turn ends, so that it goes in one call. */
export class ClientOutbox implements TurnWork {
  /** Where to encode what is to be sent; call `written` afterwards. */
  readonly writer = new PacketWriter();
  readonly #transport: Transport;
  readonly #turn: Turn;
  readonly #onRoom: () => void;
  #mode: OutboxMode = OutboxMode.OPEN;
  #isInTurn = false;
  /** Acknowledgements since the transport last took all. */
  #unread = 0;
  /** The last buffer that the transport was given to keep, and one that it has done with. */
  #lent: Buffer | undefined = undefined;
  #spare: Buffer | undefined = undefined;
  /** Something went since this was last asked. */
  #hasSent = false;
  /** The transport's mark when it was last looked at. */
  #mark = 0;
  #lingering: Timer | undefined = undefined;
  #isCut = false;

  /** @param onRoom - is called when it takes more again */
  constructor(transport: Transport, turn: Turn, onRoom: () => void) {
    this.#transport = transport;
    this.#turn = turn;
    this.#onRoom = onRoom;
  }

  /** Bytes that wait here or in the transport. */
  get waitingBytes(): number {
    return this.writer.length + this.#transport.bufferedBytes;
  }

  get takesMore(): boolean {
    return this.#mode === OutboxMode.OPEN;
  }

  /** Whether something was sent since the last call. */
  takeHasSent(): boolean {
    const hasSent = this.#hasSent;
    this.#hasSent = false;
    return hasSent;
  }

  /** Whether the system took some of what waits for it since the last call. */
  takeHasMoved(): boolean {
    const mark = this.#mark;
    this.#mark = this.#transport.unsentMark;
    return mark !== this.#mark && mark > 0;
  }

  /** Whether the connection, which is gone, took less than it was given. */
  wasCut(error: Error | undefined): boolean {
    return this.#isCut || (this.#mode === OutboxMode.ENDED && error !== undefined);
  }

  /** After something was encoded into `writer`. */
  written(): void {
    if (!this.#isInTurn) {
      this.#isInTurn = true;
      this.#turn.add(this);
    }
    if (this.writer.length >= FLUSH_BYTES) this.flush();
  }

  /**
   * After an acknowledgement was encoded into `writer`.
   *
   * @returns false when more of them wait than a peer that waits for them has Packet Identifiers: it reads none of them
   */
  acknowledged(): boolean {
    this.written();
    return this.takesMore || ++this.#unread <= MAX_UINT_16;
  }

  endTurn(): void {
    this.#isInTurn = false;
    this.flush();
  }

  /** The transport takes more again. */
  drained(): void {
    if (this.#mode !== OutboxMode.BLOCKED) return;
    this.#mode = OutboxMode.OPEN;
    this.#unread = 0;
    this.#takeBack();
    this.flush();
    if (this.takesMore) this.#onRoom();
  }

  /**
   * Sends what waits, and has the transport close. It is cut when the peer has everything and does not close within
   * `lingerMs`; and when it has not, and took nothing for `stallMs`.
   */
  end(clock: Clock, lingerMs: number, stallMs: number): void {
    if (this.#mode >= OutboxMode.ENDED) return;
    this.#mode = OutboxMode.ENDED;
    if (this.writer.length > 0) this.#transport.write(this.writer.detach());
    this.#transport.end(NEVER_MS, () => (this.#mode = OutboxMode.SENT));
    this.takeHasMoved();
    let movedMs = clock.monotonic();
    this.#lingering = clock.setTicker(lingerMs, () => {
      const nowMs = clock.monotonic();
      if (this.takeHasMoved()) movedMs = nowMs;
      const isStuck = this.#mark > 0;
      if (isStuck && nowMs - movedMs < stallMs) return;
      if (!isStuck && movedMs === nowMs) return;
      this.#isCut = isStuck;
      this.#transport.destroy();
    });
  }

  /** The connection is over. */
  discard(): void {
    this.#mode = OutboxMode.ENDED;
    this.#lingering?.clear();
    this.writer.reset();
  }

  /** Sends what was collected, before the turn ends. */
  flush(): void {
    const { writer } = this;
    if (this.#mode !== OutboxMode.OPEN || writer.length === 0) return;
    this.#hasSent = true;
    const { buffer } = writer;
    const written = this.#transport.write(writer.bytes());
    if (written === Written.TAKEN) {
      this.#takeBack();
      writer.reset();
      return;
    }
    writer.detach(this.#spare);
    this.#spare = undefined;
    this.#lent = buffer;
    if (written === Written.BLOCKED) this.#mode = OutboxMode.BLOCKED;
  }

  /** All that was sent has gone: its last buffer may be used again. Others were lent while it was, and are let go. */
  #takeBack(): void {
    if (this.#lent !== undefined && this.#lent.length <= MAX_SPARE_BYTES) this.#spare = this.#lent;
    this.#lent = undefined;
  }
}
