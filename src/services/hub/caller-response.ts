import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { BlockPool } from '../../base/blocks.ts';
import { toCallerHeaders, type ServicePlace } from './service-place.ts';
import { UpgradeResponse } from './upgrade-response.ts';
import { endToEndHeaders } from '../wire/header-list.ts';
import type { ResponseHead } from '../wire/message-heads.ts';

/** Who is told what becomes of it. */
type CallerListener = {
  /** So many bytes of the answer have left this process. */
  onTaken(bytes: number): void;
};

/** What was asked, and where. */
type CallerRequest = { readonly method: string; readonly place: ServicePlace };

/** Bodies up to this are written with their head. */
const MAX_TEXT_BYTES = 4096;
/** Smaller pieces are cheap enough to be made and forgotten. */
const MIN_POOLED_BYTES = 8192;
const CONTENT_LENGTH: ReadonlySet<string> = new Set(['content-length']);

/** The answer on its way to the caller. */
export class CallerResponse {
  readonly #response: ServerResponse;
  readonly #asked: CallerRequest;
  readonly #listener: CallerListener;
  readonly #blocks: BlockPool;
  #hasBody = true;
  #isOver = false;
  /** What is still to come, where the service said how much. */
  #leftBytes: number | undefined;

  constructor(
    response: ServerResponse,
    asked: CallerRequest,
    { listener, blocks }: { readonly listener: CallerListener; readonly blocks: BlockPool },
  ) {
    this.#blocks = blocks;
    this.#response = response;
    this.#asked = asked;
    this.#listener = listener;
    // An error of the socket: 'close' follows.
    response.on('error', ignore);
  }

  /** @returns why the head cannot be sent; undefined when it has been */
  start({ status, headers, bodyBytes }: ResponseHead): string | undefined {
    this.#hasBody = this.#asked.method !== 'HEAD' && status !== 204 && status !== 304;
    this.#leftBytes = this.#hasBody ? bodyBytes : undefined;
    const fields: string[] = [];
    for (const [name, value] of toCallerHeaders(endToEndHeaders(headers, CONTENT_LENGTH), this.#asked.place))
      fields.push(name, value);
    // 204 has none (RFC 9110 section 8.6).
    if (bodyBytes !== undefined && status !== 204) fields.push('content-length', String(bodyBytes));
    try {
      this.#response.writeHead(status, fields);
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  }

  /** @returns the connection, for the other protocol; undefined where the caller asked for none */
  switchProtocol({ headers }: ResponseHead): Socket | undefined {
    const fields = toCallerHeaders(endToEndHeaders(headers, CONTENT_LENGTH), this.#asked.place);
    return this.#response instanceof UpgradeResponse ? this.#response.switchProtocol(fields) : undefined;
  }

  /** The body may be long in coming, as with events: the head does not wait for it. */
  flush(): void {
    this.#response.flushHeaders();
  }

  /**
   * @param body - is copied: it is borrowed from the message that it came in
   * @param isLast - nothing follows but `end`
   * @returns false when there are more bytes than the service said
   */
  write(body: Uint8Array, isLast: boolean): boolean {
    const { length } = body;
    if (length === 0) return true;
    if (!this.#hasBody) return false;
    if (this.#leftBytes !== undefined) {
      if (length > this.#leftBytes) return false;
      this.#leftBytes -= length;
    }
    if (isLast && (this.#leftBytes ?? 0) === 0 && length <= MAX_TEXT_BYTES) {
      this.#isOver = true;
      // Node writes head and body as one only where both are text; each of these characters is a byte.
      const text = Buffer.from(body.buffer, body.byteOffset, length).toString('latin1');
      this.#response.end(text, 'latin1');
      return true;
    }
    if (length < MIN_POOLED_BYTES) {
      this.#response.write(Buffer.from(body), (error) => {
        if (error === undefined || error === null) this.#listener.onTaken(length);
      });
      return true;
    }
    const block = this.#blocks.take(length);
    block.buffer.set(body);
    this.#response.write(block.buffer.subarray(0, length), (error) => {
      // What was given up is perhaps still being read by the system: that block is not used again.
      if (error !== undefined && error !== null) return;
      block.release();
      this.#listener.onTaken(length);
    });
    return true;
  }

  /** @returns false when there are fewer bytes than the service said */
  end(): boolean {
    if (this.#leftBytes !== undefined && this.#leftBytes > 0) return false;
    const response = this.#response;
    if (response instanceof UpgradeResponse && response.isSwitched) response.finish();
    else if (!this.#isOver) response.end();
    return true;
  }

  /** Cuts the connection, so that no caller takes the answer for a whole one. */
  destroy(): void {
    const { socket } = this.#response;
    // A caller of HTTP/1.0 takes an orderly end for the end of the body.
    if (socket === null) this.#response.destroy();
    else socket.resetAndDestroy();
  }
}

function ignore(): void {}
