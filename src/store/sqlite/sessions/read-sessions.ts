import type { QueuedRecord, StoredSession } from '../../../mqtt/session/session-store.ts';
import { readStoredMessage } from '../../../mqtt/session/stored-message-codec.ts';
import type { StoredMessage } from '../../../mqtt/session/stored-message.ts';
import type { QoS } from '../../../mqtt/codec/control-packet.ts';
import { parseTopicFilter } from '../../../mqtt/topics/topic-filter.ts';
import { DamagedFileError } from '../damaged-file-error.ts';
import { NoteKind, QueuedFlag } from './note-format.ts';
import { NoteReader } from './note-reader.ts';
import { decodeOptions, decodeSessionRecord } from './session-record.ts';

type ReadSession = StoredSession & {
  readonly subscriptions: StoredSession['subscriptions'][number][];
  readonly queued: QueuedRecord[];
  readonly receivedPacketIds: number[];
};

/** Makes sessions of the pieces that `SessionLoading` sends. */
export class SessionReader {
  readonly #numbers: Map<string, number>;
  /** One object for all sessions that wait for it. */
  readonly #bodies = new Map<number, StoredMessage>();

  /** @param numbers - where the numbers of the sessions go */
  constructor(numbers: Map<string, number>) {
    this.#numbers = numbers;
  }

  read(piece: Uint8Array): StoredSession[] {
    const notes = new NoteReader(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
    const sessions: ReadSession[] = [];
    let message: StoredMessage | undefined;
    while (notes.next()) {
      if (notes.kind === NoteKind.SESSION) sessions.push(this.#readSession(notes));
      else if (notes.kind === NoteKind.BODY) message = this.#readBody(notes);
      else take(sessions.at(-1), notes, message);
    }
    return sessions;
  }

  #readSession(notes: NoteReader): ReadSession {
    const { number, text: clientId, bytes, dataStart, dataEnd } = notes;
    this.#numbers.set(clientId, number);
    const record = decodeSessionRecord(clientId, bytes.subarray(dataStart, dataEnd));
    return { ...record, subscriptions: [], queued: [], receivedPacketIds: [] };
  }

  #readBody({ number: key, bytes, dataStart, dataEnd }: NoteReader): StoredMessage | undefined {
    if (dataEnd > dataStart) this.#bodies.set(key, readStoredMessage(bytes, dataStart, dataEnd));
    return this.#bodies.get(key);
  }
}

function take(session: ReadSession | undefined, notes: NoteReader, message: StoredMessage | undefined): void {
  if (session === undefined) throw new DamagedFileError('a note belongs to no session');
  switch (notes.kind) {
    case NoteKind.SUBSCRIPTION: {
      const filter = parseTopicFilter(notes.text, Number.POSITIVE_INFINITY);
      if (!filter.ok) throw new DamagedFileError(`${notes.text} is no Topic Filter`);
      session.subscriptions.push({ filter: filter.value, options: decodeOptions(notes.options) });
      return;
    }
    case NoteKind.RECEIVED:
      session.receivedPacketIds.push(notes.packetId);
      return;
    case NoteKind.QUEUED:
      if (message === undefined) throw new DamagedFileError('a queued message has no body');
      session.queued.push(queuedOf(notes, message));
  }
}

function queuedOf(notes: NoteReader, message: StoredMessage): QueuedRecord {
  const { sequence, packetId, flags, isReleased } = notes;
  return {
    sequence,
    message,
    qos: (flags & QueuedFlag.QOS) as QoS,
    retain: (flags & QueuedFlag.RETAIN) !== 0,
    subscriptionIdentifiers: notes.readIdentifiers(),
    group: notes.readGroup(),
    packetId,
    isReleased,
  };
}
