import { DamagedFileError } from '../damaged-file-error.ts';
import { NoteKind, QueuedFlag } from './note-format.ts';

/**
 * Reads notes one after the other: `next`, then the fields of that kind. Nothing is made for a note.
 *
 * @throws {DamagedFileError} from `next`, when what lies there is no note
 */
export class NoteReader {
  readonly bytes: Buffer;
  readonly #view: DataView;
  kind = 0;
  /** Where the note begins and ends. */
  start = 0;
  end = 0;
  /** Of its session, or the key of its body. */
  number = 0;
  sequence = 0;
  packetId = 0;
  flags = 0;
  options = 0;
  /** Of the client id, filter or Topic Name. */
  #textStart = 0;
  #textEnd = 0;
  /** Of a record, or a message; of a queued message the body before it. */
  dataStart = 0;
  dataEnd = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** False when there is none left. */
  next(): boolean {
    if (this.end === this.bytes.length) return false;
    this.start = this.end;
    this.kind = this.bytes[this.end++]!;
    try {
      this.#read();
    } catch (error) {
      throw new DamagedFileError('a row of the log ends within a note', { cause: error });
    }
    return true;
  }

  get text(): string {
    return this.bytes.toString('utf8', this.#textStart, this.#textEnd);
  }

  get isReleased(): boolean {
    return (this.flags & QueuedFlag.RELEASED) !== 0;
  }

  /** Of a `QUEUED` note: its Subscription Identifiers. */
  readIdentifiers(): number[] {
    if ((this.flags & QueuedFlag.IDENTIFIERS) === 0) return [];
    const at = this.start + 20;
    const count = this.#view.getUint32(at, true);
    return Array.from({ length: count }, (_, index) => this.#view.getUint32(at + 4 + 4 * index, true));
  }

  /** Of a `QUEUED` note: the Shared Subscription that it came by. */
  readGroup(): { shareName: string; topicFilter: string } | undefined {
    if ((this.flags & QueuedFlag.GROUP) === 0) return undefined;
    const nameAt = this.#groupAt();
    const nameEnd = nameAt + 4 + this.#view.getUint32(nameAt, true);
    const filterEnd = nameEnd + 4 + this.#view.getUint32(nameEnd, true);
    return {
      shareName: this.bytes.toString('utf8', nameAt + 4, nameEnd),
      topicFilter: this.bytes.toString('utf8', nameEnd + 4, filterEnd),
    };
  }

  #read(): void {
    const { kind } = this;
    if (kind === NoteKind.RETAINED || kind === NoteKind.RETAINED_END) {
      this.#readText();
      if (kind === NoteKind.RETAINED) this.#readData();
      return;
    }
    this.number = this.#readFloat();
    switch (kind) {
      case NoteKind.SESSION:
        this.#readText();
        this.#readData();
        return;
      case NoteKind.SESSION_END:
        return;
      case NoteKind.SUBSCRIPTION:
        this.options = this.#readFloat();
        this.#readText();
        return;
      case NoteKind.SUBSCRIPTION_END:
        this.#readText();
        return;
      case NoteKind.BODY:
        this.#readData();
        return;
      case NoteKind.QUEUED:
        this.sequence = this.#readFloat();
        this.#readProgress();
        this.#passRest();
        return;
      case NoteKind.PROGRESS:
        this.sequence = this.#readFloat();
        this.#readProgress();
        return;
      case NoteKind.DONE:
        this.sequence = this.#readFloat();
        return;
      case NoteKind.RECEIVED:
      case NoteKind.RECEIVED_END:
        this.packetId = this.#view.getUint16(this.end, true);
        this.end += 2;
        return;
      default:
        throw new RangeError(`there is no note of kind ${kind}`);
    }
  }

  #readFloat(): number {
    const value = this.#view.getFloat64(this.end, true);
    this.end += 8;
    return value;
  }

  #readProgress(): void {
    this.packetId = this.#view.getUint16(this.end, true);
    this.flags = this.#view.getUint8(this.end + 2);
    this.end += 3;
  }

  #readText(): void {
    this.#textStart = this.end + 4;
    this.#textEnd = this.#passCounted();
  }

  #readData(): void {
    this.dataStart = this.end + 4;
    this.dataEnd = this.#passCounted();
  }

  #passRest(): void {
    if ((this.flags & QueuedFlag.IDENTIFIERS) !== 0) this.end = this.#groupAt();
    if ((this.flags & QueuedFlag.GROUP) === 0) return;
    this.#passCounted();
    this.#passCounted();
  }

  /** Where the Shared Subscription of a `QUEUED` note lies, if it has one. */
  #groupAt(): number {
    const at = this.start + 20;
    return (this.flags & QueuedFlag.IDENTIFIERS) === 0 ? at : at + 4 + 4 * this.#view.getUint32(at, true);
  }

  /** Passes what has its length in front; where it ends. */
  #passCounted(): number {
    this.end += 4 + this.#view.getUint32(this.end, true);
    if (this.end > this.bytes.length) throw new RangeError('a part is longer than the rest');
    return this.end;
  }
}
