const PAGE_BITS = 1024;
const PAGES = 64;

/** A set of Packet Identifiers, made in pages as they are used: at most 8 KiB, and nothing is searched. */
export class PacketIdSet {
  readonly #pages: (Uint32Array | undefined)[] = Array.from({ length: PAGES }, () => undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(packetId: number): boolean {
    const page = this.#pages[packetId >> 10];
    return page !== undefined && (page[(packetId & 1023) >> 5]! & (1 << (packetId & 31))) !== 0;
  }

  /** False when it is in already. */
  add(packetId: number): boolean {
    const page = (this.#pages[packetId >> 10] ??= new Uint32Array(PAGE_BITS / 32));
    const word = (packetId & 1023) >> 5;
    const bit = 1 << (packetId & 31);
    if ((page[word]! & bit) !== 0) return false;
    page[word]! |= bit;
    this.#size++;
    return true;
  }

  /** False when it is not in. */
  delete(packetId: number): boolean {
    if (!this.has(packetId)) return false;
    this.#pages[packetId >> 10]![(packetId & 1023) >> 5]! &= ~(1 << (packetId & 31));
    this.#size--;
    return true;
  }
}
