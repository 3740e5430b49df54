import { KEPT_KINDS, KeptKind, NEWCOMER_BYTES, PARTY_BYTES } from './kept-kinds.ts';
import { Holding, type Holder } from './holding.ts';
import { LargestFirst } from './largest-first.ts';

const KINDS = KEPT_KINDS.length;
/** The level above the kinds. */
const WHOLE = -1;
const FIRST_PARTIES = 64;

/** By kind: closing connections gives it back. */
const ARE_RECLAIMABLE = KEPT_KINDS.map(({ isReclaimable }) => isReclaimable);

/** What of each limit is kept for those that hold next to nothing: a newcomer finds room in it. */
export const RESERVE = 1 / 4;

export const DEFAULT_MAX_KEPT_BYTES = 1024 * 1024 * 1024;
const DEFAULT_MAX_PARTIES = 32_768;
/** Key of what nobody else makes the program keep. */
export const OWN_PARTY = 'this program';

type LedgerOptions = {
  /** Of everything that is kept for peers. */
  readonly maxBytes?: number;
  /** Peers that are told apart; those beyond share one line. */
  readonly maxParties?: number;
  /** What a newcomer finds however much the others hold: the more it is, the fewer parties are told apart. */
  readonly newcomerBytes?: number;
  /** Bytes of a kind; where nothing is said its share of the whole. */
  readonly limits?: Readonly<Partial<Record<KeptKind, number>>>;
};

/**
 * Whoever something is kept for: a principal, or an address. What is kept holds on to it, and books here what it
 * costs, so that no booking has to look anybody up.
 */
export class Party {
  readonly key: string;
  readonly ledger: Ledger;
  /** Where its books begin. */
  readonly at: number;
  /** Bookings, and those who hold it open. */
  uses = 0;
  /** Its sessions, with or without their connections. */
  sessions = 0;
  /** The newest of what gives back, when it is closed, what is kept for it. */
  holding: Holding | undefined = undefined;

  constructor(ledger: Ledger, key: string, at: number) {
    this.ledger = ledger;
    this.key = key;
    this.at = at;
  }

  /** Bytes that are kept for it, of all kinds. */
  get bytes(): number {
    return this.ledger.heldBy(this);
  }

  /** Books one thing, at what it really costs; false, and nothing is booked, when there is no room for it. */
  book(kind: KeptKind, bytes: number): boolean {
    return this.ledger.book(this, kind, bytes);
  }

  /**
   * Books what a connection needs to come, or to go on: where there is no room, though it is within the party's share,
   * connections of the party that holds most are closed.
   */
  admit(kind: KeptKind, bytes: number): boolean {
    return this.ledger.admit(this, kind, bytes);
  }

  /** Whether `admit` finds room, or has made it. */
  makeRoomFor(kind: KeptKind, bytes: number): boolean {
    return this.ledger.makeRoomFor(this, kind, bytes);
  }

  /** Names a connection that may be closed for others; ended by `leave`. */
  hold(holder: Holder): Holding {
    return new Holding(this, holder);
  }

  /** Books one thing that is kept whether there is room or not: it was decided before, or is the program's own. */
  charge(kind: KeptKind, bytes: number): void {
    this.ledger.change(this, kind, bytes, 1);
  }

  /** Takes one booking back: the same kind and bytes. */
  release(kind: KeptKind, bytes: number): void {
    this.ledger.change(this, kind, -bytes, -1);
  }

  /** Books what has become more or less meanwhile. */
  change(kind: KeptKind, bytes: number, things: number): void {
    this.ledger.change(this, kind, bytes, things);
  }

  /** Books one thing anew that has become more or less; 0 is nothing. */
  rebook(kind: KeptKind, before: number, after: number): void {
    if (before === after) return;
    this.ledger.change(this, kind, after - before, (after === 0 ? 0 : 1) - (before === 0 ? 0 : 1));
  }

  /** Whether `book` would find room now. */
  hasRoomFor(kind: KeptKind, bytes: number): boolean {
    return this.ledger.hasRoomFor(this, kind, bytes);
  }

  /** It is not held open any more. */
  close(): void {
    this.ledger.close(this);
  }
}

/**
 * One ledger of everything that peers make this program keep. Each booking is held against the limit of its kind and
 * against that of the whole, by one rule. Of a limit L of which R is the reserve, with n parties that hold some of it
 * (of the whole: all that there are):
 *
 * - up to L / 2 everybody may have what there is;
 * - beyond it, up to L − R, a party may not grow above its share, (L − R) / (n + 1);
 * - in the reserve it may not grow above R / P, where P lines are all that there can be; of a kind, whose R / P may be
 *   less than one thing needs, nor above an equal part of what is left of the reserve's first half, if that is more.
 *
 * Of the whole, only who holds no more than R / P ever grows in the reserve, and there are no more than P of them: so
 * the limit is kept, and a newcomer finds R / P, no less than `newcomerBytes`, however much the others hold. Of a kind,
 * P / 2 of them find it. Up to its share it finds
 * room too where connections hold what is kept: when it is refused though it asks for no more, the others hold above
 * (L − R) · n / (n + 1) together, so one of these n − 1 holds more than a share. Of the one that holds most, as many
 * connections are closed as it takes.
 */
export class Ledger {
  readonly #maxParties: number;
  readonly #parties = new Map<string, Party>();
  /** The lines that were given back. */
  readonly #free: number[] = [];
  /** For those who come when there are as many parties as are told apart. */
  readonly #others: Party;
  /** What each party holds of each kind. */
  #held = new Float64Array(FIRST_PARTIES * KINDS);
  #lines = 0;
  /** By line. */
  readonly #partyAt: Party[] = [];
  /**
   * By kind, and behind them for the whole: lines by what closing their connections would give back. Made when it is
   * first asked for: as long as there is room for everybody, booking pays nothing for it.
   */
  readonly #largest = Array.from({ length: KINDS + 1 }, (): LargestFirst | undefined => undefined);
  readonly #limits = new Float64Array(KINDS);
  readonly #totals = new Float64Array(KINDS);
  readonly #counts = new Float64Array(KINDS);
  /** Parties that hold some of a kind. */
  readonly #holders = new Float64Array(KINDS);
  readonly #refusals = new Float64Array(KINDS);
  readonly #maxTotal: number;
  readonly #halves = new Float64Array(KINDS);
  readonly #half: number;
  /** Of all kinds, without the lines. */
  #total = 0;
  /** Nobody could be closed in this turn of the event loop: the next one looks again. */
  #isReclaimVain = false;

  constructor({
    maxBytes = DEFAULT_MAX_KEPT_BYTES,
    maxParties = DEFAULT_MAX_PARTIES,
    newcomerBytes = NEWCOMER_BYTES,
    limits,
  }: LedgerOptions = {}) {
    // What the lines themselves may cost is set aside, so that they need no rule of their own. There are no more of
    // them than find what a newcomer needs in the reserve.
    const affordable = Math.floor((maxBytes * RESERVE) / (newcomerBytes + RESERVE * PARTY_BYTES)) - 1;
    this.#maxParties = Math.min(maxParties, affordable);
    this.#maxTotal = maxBytes - this.#maxParties * PARTY_BYTES;
    for (const [kind, { share }] of KEPT_KINDS.entries()) {
      const limit = limits?.[kind as KeptKind] ?? share * this.#maxTotal;
      this.#limits[kind] = limit;
      this.#halves[kind] = limit / 2;
    }
    this.#half = this.#maxTotal / 2;
    this.#limits[KeptKind.PARTY] = this.#maxParties * PARTY_BYTES;
    this.#others = this.#add('');
    this.#others.uses = 1;
  }

  /** Of all kinds, the lines of the ledger included. */
  get totalBytes(): number {
    return this.#total + this.#totals[KeptKind.PARTY]!;
  }

  /** What all of a kind may have. */
  limitOf(kind: KeptKind): number {
    return this.#limits[kind]!;
  }

  get partyCount(): number {
    return this.#parties.size;
  }

  /** What every kind has now, in the order of the table, for metrics. */
  totals() {
    return KEPT_KINDS.map(({ name }, kind) => ({
      kind: name,
      bytes: this.#totals[kind]!,
      count: this.#counts[kind]!,
      refusals: this.#refusals[kind]!,
      limitBytes: this.#limits[kind]!,
    }));
  }

  /** The line of a party, held open until `close`. */
  open(key: string): Party {
    const party = this.#parties.get(key) ?? this.#admit(key);
    party.uses++;
    return party;
  }

  close(party: Party): void {
    if (--party.uses === 0) this.#forget(party);
  }

  heldBy(party: Party): number {
    return this.#heldAt(WHOLE, party);
  }

  book(party: Party, kind: KeptKind, bytes: number): boolean {
    if (!this.hasRoomFor(party, kind, bytes)) return false;
    this.change(party, kind, bytes, 1);
    return true;
  }

  hasRoomFor(party: Party, kind: KeptKind, bytes: number): boolean {
    if (this.#isHalfEmpty(kind, bytes)) return true;
    if (this.#isWithin(kind, party, bytes) && this.#isWithin(WHOLE, party, bytes)) return true;
    this.#refusals[kind]!++;
    return false;
  }

  /** Then everybody may have what there is. */
  #isHalfEmpty(kind: KeptKind, bytes: number): boolean {
    return this.#totals[kind]! + bytes <= this.#halves[kind]! && this.#total + bytes <= this.#half;
  }

  admit(party: Party, kind: KeptKind, bytes: number): boolean {
    if (!this.makeRoomFor(party, kind, bytes)) return false;
    this.change(party, kind, bytes, 1);
    return true;
  }

  makeRoomFor(party: Party, kind: KeptKind, bytes: number): boolean {
    if (this.#isHalfEmpty(kind, bytes)) return true;
    this.#makeRoom(kind, party, bytes);
    this.#makeRoom(WHOLE, party, bytes);
    return this.hasRoomFor(party, kind, bytes);
  }

  /** Whether there is room up to its share, or `giveUp` has given back enough, one thing at a time, of who holds most. */
  makeRoomBy(party: Party, kind: KeptKind, bytes: number, giveUp: (most: Party) => boolean): boolean {
    while (!this.#isWithin(kind, party, bytes) && this.#isWithinShare(kind, party, bytes)) {
      const most = this.#findMost(kind, party);
      if (most === undefined || !giveUp(most)) break;
    }
    return this.hasRoomFor(party, kind, bytes);
  }

  change(party: Party, kind: KeptKind, bytes: number, things: number): void {
    const at = party.at + kind;
    const before = this.#held[at]!;
    const after = before + bytes;
    this.#held[at] = after;
    this.#totals[kind]! += bytes;
    this.#counts[kind]! += things;
    this.#total += bytes;
    this.#largest[kind]?.set(party.at / KINDS, after);
    if (ARE_RECLAIMABLE[kind] === true)
      this.#largest[KINDS]?.set(party.at / KINDS, this.#reclaimableAt(party.at));
    if (before === 0 && after !== 0) {
      this.#holders[kind]!++;
      party.uses++;
    } else if (after === 0 && before !== 0) {
      this.#holders[kind]!--;
      this.close(party);
    }
  }

  #isWithin(level: number, party: Party, bytes: number): boolean {
    const total = this.#totalAt(level) + bytes;
    const limit = this.#limitAt(level);
    if (total <= limit / 2) return true;
    const held = this.#heldAt(level, party) + bytes;
    if (total <= limit * (1 - RESERVE)) return held <= this.#shareAt(level, party);
    if (total > limit) return false;
    if (held <= (limit * RESERVE) / (this.#maxParties + 1)) return true;
    return level !== WHOLE && held <= this.#partAt(level, party, limit * (1 - RESERVE / 2) - (total - bytes));
  }

  #limitAt(level: number): number {
    return level === WHOLE ? this.#maxTotal : this.#limits[level]!;
  }

  #totalAt(level: number): number {
    return level === WHOLE ? this.#total : this.#totals[level]!;
  }

  #heldAt(level: number, { at }: Party): number {
    if (level !== WHOLE) return this.#held[at + level]!;
    let bytes = 0;
    for (let kind = 0; kind < KINDS; kind++) bytes += this.#held[at + kind]!;
    return bytes;
  }

  #shareAt(level: number, party: Party): number {
    return this.#partAt(level, party, this.#limitAt(level) * (1 - RESERVE));
  }

  /** An equal part for each of those that hold some, and one more. */
  #partAt(level: number, party: Party, bytes: number): number {
    const { size } = this.#parties;
    const isNew = level !== WHOLE && this.#held[party.at + level] === 0;
    return bytes / ((level === WHOLE ? size : this.#holders[level]! + (isNew ? 1 : 0)) + 1);
  }

  #isWithinShare(level: number, party: Party, bytes: number): boolean {
    return this.#heldAt(level, party) + bytes <= this.#shareAt(level, party);
  }

  /** Closes connections of the party that holds most for one that asks for no more than its share. */
  #makeRoom(level: number, party: Party, bytes: number): void {
    if (level !== WHOLE && ARE_RECLAIMABLE[level] !== true) return;
    if (this.#isReclaimVain || this.#isWithin(level, party, bytes)) return;
    if (!this.#isWithinShare(level, party, bytes)) return;
    const kind = level === WHOLE ? undefined : (level as KeptKind);
    // What closes may close others: whoever has left the list still knows who came before it.
    for (let each = this.#findMost(level, party)?.holding; each !== undefined; each = each.before) {
      each.holder.yieldRoom(kind);
      if (this.#isWithin(level, party, bytes)) return;
    }
    this.#isReclaimVain = true;
    setImmediate(() => (this.#isReclaimVain = false));
  }

  /** Of those that hold more than a share of a kind; of the whole: of what closing gives back. */
  #findMost(level: number, asking: Party): Party | undefined {
    const index = level === WHOLE ? KINDS : level;
    const bytesAt = (line: number): number => {
      const at = line * KINDS;
      return level === WHOLE ? this.#reclaimableAt(at) : this.#held[at + level]!;
    };
    const largest = (this.#largest[index] ??= new LargestFirst(this.#lines, bytesAt));
    const line = largest.find(
      (each) => (each * KINDS === asking.at ? 0 : bytesAt(each)),
      this.#shareAt(level, asking),
    );
    return line === undefined ? undefined : this.#partyAt[line];
  }

  #reclaimableAt(at: number): number {
    let bytes = 0;
    for (let kind = 0; kind < KINDS; kind++)
      if (ARE_RECLAIMABLE[kind] === true) bytes += this.#held[at + kind]!;
    return bytes;
  }

  #admit(key: string): Party {
    if (this.#parties.size >= this.#maxParties) {
      this.#refusals[KeptKind.PARTY]!++;
      return this.#others;
    }
    const party = this.#add(key);
    this.#parties.set(key, party);
    this.#countParty(1);
    return party;
  }

  #add(key: string): Party {
    const at = this.#free.pop() ?? this.#lines++ * KINDS;
    if (at >= this.#held.length) {
      const grown = new Float64Array(this.#held.length * 2);
      grown.set(this.#held);
      this.#held = grown;
    }
    const party = new Party(this, key, at);
    this.#partyAt[at / KINDS] = party;
    return party;
  }

  #forget(party: Party): void {
    // Bytes of real costs are whole numbers: what was booked and taken back leaves nothing.
    this.#parties.delete(party.key);
    this.#free.push(party.at);
    this.#countParty(-1);
  }

  #countParty(change: 1 | -1): void {
    this.#totals[KeptKind.PARTY]! += change * PARTY_BYTES;
    this.#counts[KeptKind.PARTY]! += change;
  }
}
