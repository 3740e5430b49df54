import type { QueuedRecord } from '../../../mqtt/session/session-store.ts';
import type { StoredMessage } from '../../../mqtt/session/stored-message.ts';
import { storedMessageBytes, writeStoredMessage } from '../../../mqtt/session/stored-message-codec.ts';
import { NoteKind, QueuedFlag } from './note-format.ts';

const FIRST_BYTES = 4096;
/** Bytes of UTF-8 for one UTF-16 unit, at most. */
const MOST_UTF8_BYTES = 3;

/** Writes notes, one after the other, into a buffer that grows. */
export class NoteWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #lastBody: StoredMessage | undefined;

  get length(): number {
    return this.#length;
  }

  /** What was written, given away; undefined when that is nothing. */
  take(): Buffer<ArrayBuffer> | undefined {
    if (this.#length === 0) return undefined;
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, this.#bytes.length >> 1));
    this.#view = new DataView(this.#bytes.buffer);
    this.#length = 0;
    this.#lastBody = undefined;
    return taken;
  }

  /** Forgets what was written. */
  reset(): void {
    this.#length = 0;
    this.#lastBody = undefined;
  }

  session(number: number, clientId: string, record: Uint8Array): void {
    this.#begin(NoteKind.SESSION, number, record.length + 4);
    this.#text(clientId);
    this.#data(record);
  }

  sessionEnd(number: number): void {
    this.#begin(NoteKind.SESSION_END, number, 0);
  }

  subscription(number: number, filter: string, options: number): void {
    this.#begin(NoteKind.SUBSCRIPTION, number, 8);
    this.#float(options);
    this.#text(filter);
  }

  subscriptionEnd(number: number, filter: string): void {
    this.#begin(NoteKind.SUBSCRIPTION_END, number, 0);
    this.#text(filter);
  }

  retained(message: StoredMessage): void {
    this.#ensure(1);
    this.#bytes[this.#length++] = NoteKind.RETAINED;
    this.#text(message.topicName);
    this.#message(message);
  }

  retainedEnd(topicName: string): void {
    this.#ensure(1);
    this.#bytes[this.#length++] = NoteKind.RETAINED_END;
    this.#text(topicName);
  }

  /** With its body, unless that was the last one. */
  queued(number: number, queued: QueuedRecord): void {
    const { message, subscriptionIdentifiers: identifiers, group } = queued;
    if (message !== this.#lastBody) {
      this.#begin(NoteKind.BODY, 0, 0);
      this.#message(message);
      this.#lastBody = message;
    }
    this.#begin(NoteKind.QUEUED, number, 15 + 4 * identifiers.length);
    this.#float(queued.sequence);
    this.#short(queued.packetId);
    const flags =
      queued.qos |
      (queued.retain ? QueuedFlag.RETAIN : 0) |
      (queued.isReleased ? QueuedFlag.RELEASED : 0) |
      (group === undefined ? 0 : QueuedFlag.GROUP) |
      (identifiers.length === 0 ? 0 : QueuedFlag.IDENTIFIERS);
    this.#bytes[this.#length++] = flags;
    if (identifiers.length > 0) {
      this.#long(identifiers.length);
      for (const identifier of identifiers) this.#long(identifier);
    }
    if (group === undefined) return;
    this.#text(group.shareName);
    this.#text(group.topicFilter);
  }

  progress(number: number, sequence: number, packetId: number, isReleased: boolean): void {
    this.#begin(NoteKind.PROGRESS, number, 11);
    this.#float(sequence);
    this.#short(packetId);
    this.#bytes[this.#length++] = isReleased ? QueuedFlag.RELEASED : 0;
  }

  done(number: number, sequence: number): void {
    this.#begin(NoteKind.DONE, number, 8);
    this.#float(sequence);
  }

  received(number: number, packetId: number): void {
    this.#begin(NoteKind.RECEIVED, number, 2);
    this.#short(packetId);
  }

  receivedEnd(number: number, packetId: number): void {
    this.#begin(NoteKind.RECEIVED_END, number, 2);
    this.#short(packetId);
  }

  /** A body that lies in other notes. */
  copyBody(key: number, source: Buffer, start: number, end: number): void {
    this.#begin(NoteKind.BODY, key, 4 + end - start);
    this.#long(end - start);
    this.copy(source, start, end);
  }

  /** Notes as they lie in others. */
  copy(source: Buffer, start: number, end: number): number {
    this.#ensure(end - start);
    const at = this.#length;
    this.#length += source.copy(this.#bytes, at, start, end);
    return at;
  }

  /** Writes a Packet Identifier and whether it was released over those of a `QUEUED` note that was copied to `at`. */
  overwriteProgress(at: number, packetId: number, isReleased: boolean): void {
    this.#view.setUint16(at + 17, packetId, true);
    const flags = this.#bytes[at + 19]!;
    this.#bytes[at + 19] = isReleased ? flags | QueuedFlag.RELEASED : flags & ~QueuedFlag.RELEASED;
  }

  #begin(kind: number, number: number, moreBytes: number): void {
    this.#ensure(9 + moreBytes);
    this.#bytes[this.#length] = kind;
    this.#view.setFloat64(this.#length + 1, number, true);
    this.#length += 9;
  }

  #float(value: number): void {
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  #short(value: number): void {
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  #long(value: number): void {
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  #text(text: string): void {
    this.#ensure(4 + MOST_UTF8_BYTES * text.length);
    const bytes = this.#bytes.write(text, this.#length + 4, 'utf8');
    this.#long(bytes);
    this.#length += bytes;
  }

  #data(data: Uint8Array): void {
    this.#ensure(4 + data.length);
    this.#long(data.length);
    this.#bytes.set(data, this.#length);
    this.#length += data.length;
  }

  #message(message: StoredMessage): void {
    const bytes = storedMessageBytes(message);
    this.#ensure(4 + bytes);
    this.#long(bytes);
    this.#length = writeStoredMessage(message, this.#bytes, this.#length);
  }

  #ensure(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
