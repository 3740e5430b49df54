import assert from 'node:assert/strict';
import type { Slice } from '../../src/mqtt/transport/slice.ts';
import type {
  Peer,
  Transport,
  TransportAcceptor,
  TransportReceiver,
  Written,
} from '../../src/mqtt/transport/transport.ts';
import { until } from './until.ts';

/** What a test does at certain moments of a connection, besides recording it. */
export type ConnectionScript = {
  /** Within `accept`. False refuses: the transport is destroyed. */
  onAccept?(transport: Transport): boolean | void;
  onBytes?(connection: RecordedConnection, bytes: Buffer): void;
  onDrained?(connection: RecordedConnection): void;
};

/**
 * The server's end of a connection, with everything that happened to it. It is the transport too, so that a callback
 * that comes from within a call to the transport is seen: that fails the test.
 */
export class RecordedConnection implements TransportReceiver, Transport {
  readonly peer: Peer;
  readonly chunks: Buffer[] = [];
  keptCount = 0;
  drainedCount = 0;
  closedCount = 0;
  closeError: Error | undefined;
  readonly #transport: Transport;
  readonly #script: ConnectionScript;
  #depth = 0;

  constructor(transport: Transport, script: ConnectionScript) {
    this.peer = transport.peer;
    this.#transport = transport;
    this.#script = script;
  }

  onBytes(buffer: Buffer, length: number): void {
    const bytes = buffer.subarray(0, length);
    this.#assertOutside('onBytes');
    this.chunks.push(Buffer.from(bytes));
    this.#script.onBytes?.(this, bytes);
  }

  onKept(): void {
    this.#assertOutside('onKept');
    assert.ok(this.bufferedBytes > 0);
    this.keptCount++;
  }

  onDrained(): void {
    this.#assertOutside('onDrained');
    assert.equal(this.bufferedBytes, 0);
    this.drainedCount++;
    this.#script.onDrained?.(this);
  }

  onClosed(error: Error | undefined): void {
    this.#assertOutside('onClosed');
    this.closedCount++;
    this.closeError = error;
  }

  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  get unsentMark(): number {
    return this.#transport.unsentMark;
  }

  write(bytes: Buffer): Written {
    return this.#inside(() => this.#transport.write(bytes));
  }

  writeSlices(slices: readonly Slice[], start: number, end: number): Written {
    return this.#inside(() => this.#transport.writeSlices(slices, start, end));
  }

  room(): Buffer | undefined {
    return undefined;
  }

  pause(): void {
    this.#inside(() => this.#transport.pause());
  }

  resume(): void {
    this.#inside(() => this.#transport.resume());
  }

  end(lingerMs: number, onSent?: () => void): void {
    this.#inside(() => this.#transport.end(lingerMs, onSent));
  }

  destroy(): void {
    this.#inside(() => this.#transport.destroy());
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  async untilText(text: string): Promise<void> {
    await until(`the server has ${text}, and not ${this.text}`, () => this.text === text);
  }

  async untilClosed(): Promise<void> {
    await until('the connection is closed', () => this.closedCount > 0);
  }

  #assertOutside(event: string): void {
    assert.equal(this.#depth, 0, `${event} from within a call to the transport`);
    assert.equal(this.closedCount, 0, `${event} after onClosed`);
  }

  #inside<T>(call: () => T): T {
    this.#depth++;
    try {
      return call();
    } finally {
      this.#depth--;
    }
  }
}

/** Takes every connection and keeps what came through it. */
export class RecordingAcceptor implements TransportAcceptor {
  readonly connections: RecordedConnection[] = [];
  #script: ConnectionScript = {};

  constructor(script: ConnectionScript = {}) {
    this.#script = script;
  }

  accept(transport: Transport): TransportReceiver | undefined {
    const connection = new RecordedConnection(transport, this.#script);
    if (this.#script.onAccept?.(connection) === false) {
      transport.destroy();
      return undefined;
    }
    this.connections.push(connection);
    return connection;
  }

  /** Waits for the connection that came as number `index`. */
  async connection(index = 0): Promise<RecordedConnection> {
    return until(`connection ${index} was accepted`, () => this.connections[index]);
  }

  destroyAll(): void {
    for (const connection of this.connections) connection.destroy();
  }
}
