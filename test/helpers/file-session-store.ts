import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import {
  MemorySessionStore,
  readStoredMessage,
  storedMessageBytes,
  writeStoredMessage,
  type QueuedRecord,
  type SessionRecord,
  type SessionStore,
  type StoredMessage,
  type StoredState,
  type SubscriptionOptions,
  type TopicFilter,
} from '../../src/mqtt/index.ts';

type Note = readonly [name: string, ...values: unknown[]];

/**
 * A store as somebody writes it who has `recado/mqtt` and nothing else of Recado: a file with a line for each commit. It
 * is small, not good: the file only grows.
 */
export class FileSessionStore implements SessionStore {
  readonly #file: string;
  #notes: Note[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  load(): StoredState {
    const memory = new MemorySessionStore();
    const text = existsSync(this.#file) ? readFileSync(this.#file, 'latin1') : '';
    for (const line of text.split('\n').filter((each) => each !== ''))
      for (const note of deserialize(Buffer.from(line, 'base64')) as Note[]) replay(memory, note);
    void memory.commit();
    return memory.load();
  }

  saveSession({ will, ...session }: SessionRecord): void {
    const kept = will && { ...will, message: bytesOf(will.message) };
    this.#notes.push(['saveSession', { ...session, will: kept }]);
  }

  deleteSession(clientId: string): void {
    this.#notes.push(['deleteSession', clientId]);
  }

  saveSubscription(clientId: string, filter: TopicFilter, options: SubscriptionOptions): void {
    this.#notes.push(['saveSubscription', clientId, { ...filter }, { ...options }]);
  }

  deleteSubscription(clientId: string, filter: TopicFilter): void {
    this.#notes.push(['deleteSubscription', clientId, { ...filter }]);
  }

  saveQueued(clientId: string, queued: QueuedRecord): void {
    const { sequence, qos, retain, subscriptionIdentifiers, packetId, isReleased, message } = queued;
    const { shareName, topicFilter } = queued.group ?? {};
    const group = shareName === undefined ? undefined : { shareName, topicFilter };
    const record = { sequence, qos, retain, subscriptionIdentifiers, group, packetId, isReleased };
    this.#notes.push(['saveQueued', clientId, { ...record, message: bytesOf(message) }]);
  }

  updateQueued(clientId: string, sequence: number, packetId: number, isReleased: boolean): void {
    this.#notes.push(['updateQueued', clientId, sequence, packetId, isReleased]);
  }

  deleteQueued(clientId: string, sequence: number): void {
    this.#notes.push(['deleteQueued', clientId, sequence]);
  }

  saveReceivedPacketId(clientId: string, packetId: number): void {
    this.#notes.push(['saveReceivedPacketId', clientId, packetId]);
  }

  deleteReceivedPacketId(clientId: string, packetId: number): void {
    this.#notes.push(['deleteReceivedPacketId', clientId, packetId]);
  }

  saveRetained(message: StoredMessage): void {
    this.#notes.push(['saveRetained', bytesOf(message)]);
  }

  deleteRetained(topicName: string): void {
    this.#notes.push(['deleteRetained', topicName]);
  }

  commit(): undefined {
    if (this.#notes.length > 0)
      appendFileSync(this.#file, `${serialize(this.#notes).toString('base64')}\n`, { flush: true });
    this.#notes = [];
  }

  async close(): Promise<void> {}
}

function bytesOf(message: StoredMessage): Buffer {
  const bytes = Buffer.alloc(storedMessageBytes(message));
  writeStoredMessage(message, bytes, 0);
  return bytes;
}

/** Does once more what was noted; messages are bytes in the file. */
function replay(store: MemorySessionStore, [name, ...args]: Note): void {
  const call = store[name as 'deleteSession'] as (...values: unknown[]) => void;
  call.apply(store, args.map(withMessage));
}

function withMessage(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value);
    return readStoredMessage(bytes, 0, bytes.length);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withMessage(each)]));
}
