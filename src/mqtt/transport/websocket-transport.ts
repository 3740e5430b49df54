import type { Duplex } from 'node:stream';
import type { BytesTaker } from '../../base/shared-reads.ts';
import { DuplexTransport, HALF_CLOSED_LINGER_MS, unlessFailed } from './duplex-transport.ts';
import type { Slice } from './slice.ts';
import { Written, type Peer } from './transport.ts';
import {
  CloseCode,
  frameHead,
  maskedFrame,
  Opcode,
  WebSocketReader,
  type WebSocketRole,
} from './websocket-reader.ts';

/** Content so short is copied behind its head: the system takes one buffer faster than two. */
const COPIED_BYTES = 2048;

/** More frames in one read have next to nothing in them, and up to thirty reads follow in a turn of the event loop. */
const MANY_FRAMES = 1024;

/** `closing`: our close frame has gone, and that of the peer has not come. */
type WebSocketState = 'open' | 'closing' | 'over';

/**
 * MQTT in the binary messages of a WebSocket, over a stream on which the upgrade has been answered; what arrives there
 * comes to `take`. Each write is one message; packets may span several [MQTT-6.0.0-2].
 */
export class WebSocketTransport extends DuplexTransport implements BytesTaker {
  readonly #frames: WebSocketReader;
  readonly #isClient: boolean;
  #state: WebSocketState = 'open';

  constructor(duplex: Duplex, peer: Peer, role: WebSocketRole = 'server') {
    super(duplex, peer);
    this.#frames = new WebSocketReader(role);
    this.#isClient = role === 'client';
  }

  override write(bytes: Buffer): Written {
    if (!this.isOpen) return Written.TAKEN;
    if (this.#isClient) return super.write(maskedFrame(Opcode.BINARY, bytes));
    const head = frameHead(Opcode.BINARY, bytes.length);
    if (bytes.length <= COPIED_BYTES) return super.write(Buffer.concat([head, bytes]));
    this.duplex.cork();
    this.duplex.write(head);
    this.duplex.write(bytes);
    this.duplex.uncork();
    return this.whatBecame();
  }

  override writeSlices(slices: readonly Slice[], start: number, end: number): Written {
    if (!this.isOpen) return Written.TAKEN;
    if (this.#isClient)
      return this.write(Buffer.concat(slices.slice(start, end).map((slice) => slice.bytes)));
    let length = 0;
    for (let index = start; index < end; index++) length += slices[index]!.length;
    this.duplex.cork();
    this.duplex.write(frameHead(Opcode.BINARY, length));
    this.hand(slices, start, end);
    this.duplex.uncork();
    return this.whatBecame();
  }

  /** The peer has `lingerMs` to answer our close frame with its own. */
  override end(lingerMs: number, onSent?: () => void): void {
    if (!this.isOpen) return;
    this.#sendClose(CloseCode.NORMAL, onSent);
    this.#state = 'closing';
    this.linger(lingerMs);
    this.resume();
  }

  /** It has gone without a close frame. */
  override ended(): void {
    this.#state = 'over';
    super.end(HALF_CLOSED_LINGER_MS);
  }

  protected override get isOpen(): boolean {
    return this.#state === 'open' && super.isOpen;
  }

  room(): undefined {
    return undefined;
  }

  /** Hands on what the frames that arrived hold. They are not needed afterwards. */
  take(bytes: Buffer, length: number): void {
    const frames = this.#frames;
    const dataLength = frames.read(bytes, length);
    if (dataLength > 0) {
      this.receive(bytes, dataLength);
      this.receiver.room();
    }
    if (frames.frameCount > MANY_FRAMES) this.#rest();
    if (frames.ping !== undefined) this.#sendPong(frames.ping);
    if (frames.end !== undefined) this.#close(frames.end.code, frames.end.fault);
  }

  /** Others come first. */
  #rest(): void {
    this.duplex.pause();
    setImmediate(readOn, this);
  }

  /** A peer that does not read what it is sent is not sent more. */
  #sendPong(content: Buffer): void {
    this.#frames.ping = undefined;
    if (!this.isOpen || this.duplex.writableNeedDrain) return;
    this.#sendControl(Opcode.PONG, content);
  }

  #sendClose(code: number, onSent?: () => void): void {
    const content = Buffer.from(code === CloseCode.NONE ? [] : [code >> 8, code & 0xff]);
    this.#sendControl(Opcode.CLOSE, content, onSent);
  }

  #sendControl(opcode: number, content: Buffer, onSent?: () => void): void {
    const frame = this.#isClient
      ? maskedFrame(opcode, content)
      : Buffer.concat([frameHead(opcode, content.length), content]);
    this.duplex.write(frame, unlessFailed(onSent));
  }

  /** The peer has closed, or may not go on: section 7.1.1 wants the connection to end at once then. */
  #close(code: number, fault: string | undefined): void {
    if (this.#state === 'over') return;
    if (fault !== undefined) this.failed(new Error(fault));
    if (this.isOpen) this.#sendClose(code);
    this.#state = 'over';
    super.end(HALF_CLOSED_LINGER_MS);
  }
}

function readOn(transport: WebSocketTransport): void {
  transport.readOn();
}
