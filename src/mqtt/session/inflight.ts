import type { QueuedMessage } from './queued-message.ts';

/** What a message that was sent waits for (section 4.3). */
export const InflightState = {
  /** Nothing: the identifier is free. */
  FREE: 0,
  PUBACK: 1,
  PUBREC: 2,
  PUBCOMP: 3,
} as const;
export type InflightState = (typeof InflightState)[keyof typeof InflightState];

const FIRST_PLACES = 16;
const MAX_PLACES = 65_536;
const MAX_PACKET_ID = 65_535;

/**
 * The Packet Identifiers that this side has given and that are in use, in a ring: the place of an identifier is its
 * low bits. Identifiers are given in turn, and one whose place is taken by an older one is passed over.
 */
export class Inflight {
  #ids = new Uint16Array(FIRST_PLACES);
  #states = new Uint8Array(FIRST_PLACES);
  #messages: (QueuedMessage | undefined)[] = noMessages(FIRST_PLACES);
  #count = 0;
  /** Of the messages that were kept. */
  #bytes = 0;
  #kept = 0;
  #lastId = 0;

  get count(): number {
    return this.#count;
  }

  /** The sum of the kept messages' `sizeBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many messages were kept. */
  get keptCount(): number {
    return this.#kept;
  }

  /**
   * Gives an identifier; not 0, and none that is in use [MQTT-2.2.1-3]. At most 32,768 may be in use.
   *
   * @param message - undefined when it will never be sent again: its session ends with the connection
   */
  add(state: InflightState, message: QueuedMessage | undefined): number {
    if (this.#count * 4 >= this.#ids.length * 3) this.#grow();
    const mask = this.#ids.length - 1;
    let packetId = this.#lastId;
    do {
      packetId = packetId === MAX_PACKET_ID ? 1 : packetId + 1;
    } while (this.#states[packetId & mask] !== InflightState.FREE);
    this.#lastId = packetId;
    this.#put(packetId, state, message);
    return packetId;
  }

  /** Takes in an identifier that was given before the broker started; false when it is in already. */
  restore(packetId: number, state: InflightState, message: QueuedMessage): boolean {
    if (this.stateOf(packetId) !== InflightState.FREE) return false;
    while (this.#states[packetId & (this.#ids.length - 1)] !== InflightState.FREE) this.#grow();
    this.#put(packetId, state, message);
    this.#lastId = packetId;
    return true;
  }

  stateOf(packetId: number): InflightState {
    const place = packetId & (this.#ids.length - 1);
    return this.#ids[place] === packetId ? (this.#states[place]! as InflightState) : InflightState.FREE;
  }

  /** Of an identifier in use; undefined when the message was not kept. */
  messageOf(packetId: number): QueuedMessage | undefined {
    return this.#messages[packetId & (this.#ids.length - 1)];
  }

  /** Of an identifier in use. */
  setState(packetId: number, state: InflightState): void {
    this.#states[packetId & (this.#ids.length - 1)] = state;
  }

  /** Frees an identifier in use. */
  remove(packetId: number): void {
    const place = packetId & (this.#ids.length - 1);
    const message = this.#messages[place];
    if (message !== undefined) {
      this.#bytes -= message.message.sizeBytes;
      this.#kept--;
    }
    this.#states[place] = InflightState.FREE;
    this.#messages[place] = undefined;
    this.#count--;
  }

  /** The messages that were kept, in the order in which they were sent. */
  messages(): QueuedMessage[] {
    const kept = this.#messages.filter((message) => message !== undefined);
    return kept.toSorted((one, other) => one.sequence - other.sequence);
  }

  #put(packetId: number, state: InflightState, message: QueuedMessage | undefined): void {
    const place = packetId & (this.#ids.length - 1);
    this.#ids[place] = packetId;
    this.#states[place] = state;
    if (message !== undefined) {
      message.packetId = packetId;
      this.#messages[place] = message;
      this.#bytes += message.message.sizeBytes;
      this.#kept++;
    }
    this.#count++;
  }

  #grow(): void {
    const size = Math.min(MAX_PLACES, this.#ids.length * 2);
    const ids = this.#ids;
    const states = this.#states;
    const messages = this.#messages;
    this.#ids = new Uint16Array(size);
    this.#states = new Uint8Array(size);
    this.#messages = noMessages(size);
    for (let from = 0; from < ids.length; from++) {
      if (states[from] === InflightState.FREE) continue;
      const place = ids[from]! & (size - 1);
      this.#ids[place] = ids[from]!;
      this.#states[place] = states[from]!;
      this.#messages[place] = messages[from];
    }
  }
}

function noMessages(count: number): (QueuedMessage | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}
