import type { ServerResponse } from 'node:http';
import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';
import { Turn, type TurnWork } from '../base/turn.ts';

/** So much waits for a reader before no more devices are asked: those that have been asked still answer. */
const MAX_WAITING_CHARACTERS = 65_536;
/** Of lines that a reader was given, for who comes back: more than what is on the way of a reader that reads. */
export const MAX_KEPT_CHARACTERS = 1_048_576;

type LinesParts = {
  /** Held open for it. */
  readonly party: Party;
  /** Its reader may come back, and go on where it was. */
  readonly mustKeep: boolean;
  /** There is room again. */
  readonly onRead: () => void;
};

/** The lines of a bulk command, numbered from 0 on, on their way to its reader. */
export class BulkLines implements TurnWork {
  readonly #parts: LinesParts;
  readonly #turn = new Turn();
  /** From the number `#first` on: those that wait, and before them those that are kept for who comes back. */
  #lines: string[] = [];
  #first = 0;
  /** The number of the next one to be given. */
  #next = 0;
  #keptCharacters = 0;
  #waitingCharacters = 0;
  #givenCharacters = 0;
  #cost = 0;
  #response: ServerResponse | undefined;
  #isQueued = false;
  #isWhole = false;

  constructor(parts: LinesParts) {
    this.#parts = parts;
  }

  /** The number of the last line. */
  get last(): number {
    return this.#first + this.#lines.length - 1;
  }

  get isFull(): boolean {
    return (
      this.#response === undefined || this.#waitingCharacters + this.#givenCharacters > MAX_WAITING_CHARACTERS
    );
  }

  add(line: string): void {
    this.#lines.push(`${line}\n`);
    this.#waitingCharacters += line.length + 1;
    this.#book();
    this.#flushLater();
  }

  /** No line comes any more. */
  end(): void {
    this.#isWhole = true;
    this.#flushLater();
  }

  /** A reader begins behind the line `after`, in the place of any before. @param after - -1: at the begin */
  open(response: ServerResponse, after: number): void {
    this.dismiss();
    this.#response = response;
    this.#givenCharacters = 0;
    if (after + 1 < this.#first) response.write(`{"type":"missed","count":${this.#first - after - 1}}\n`);
    this.#next = Math.max(this.#first, Math.min(after + 1, this.last + 1));
    this.#count();
    response.on('drain', () => {
      if (this.#response !== response) return;
      this.#givenCharacters = 0;
      this.#book();
      this.#flushLater();
    });
    this.#flushLater();
  }

  /** @returns false when another reader has come in the place of this one */
  leave(response: ServerResponse): boolean {
    if (this.#response !== response) return false;
    this.#response = undefined;
    this.#givenCharacters = 0;
    this.#book();
    return true;
  }

  /** Closes the connection of its reader, if it has one. */
  dismiss(): void {
    const response = this.#response;
    this.#response = undefined;
    response?.destroy();
  }

  /** Nobody comes back. */
  close(): void {
    this.#lines = [];
    this.#waitingCharacters = 0;
    this.#givenCharacters = 0;
    this.#book();
    this.#parts.party.close();
  }

  endTurn(): void {
    this.#isQueued = false;
    const response = this.#response;
    if (response === undefined || this.#givenCharacters > 0) return;
    let text = '';
    while (this.#next <= this.last && text.length < MAX_WAITING_CHARACTERS) text += this.#take();
    const isTaken = text === '' || response.write(text);
    if (!isTaken) this.#givenCharacters = text.length;
    this.#book();
    if (isTaken && this.#next <= this.last) return this.#flushLater();
    if (this.#isWhole && this.#next > this.last) response.end();
    else if (isTaken) this.#parts.onRead();
  }

  #take(): string {
    const line = this.#lines[this.#next - this.#first]!;
    this.#next++;
    this.#waitingCharacters -= line.length;
    this.#keptCharacters += line.length;
    const most = this.#parts.mustKeep ? MAX_KEPT_CHARACTERS : 0;
    let dropped = 0;
    while (this.#keptCharacters > most) this.#keptCharacters -= this.#lines[dropped++]!.length;
    if (dropped > 0) this.#lines.splice(0, dropped);
    this.#first += dropped;
    return line;
  }

  /** What waits, and what is kept, where a reader has gone back. */
  #count(): void {
    const given = this.#next - this.#first;
    this.#keptCharacters = lengthOf(this.#lines.slice(0, given));
    this.#waitingCharacters = lengthOf(this.#lines.slice(given));
    this.#book();
  }

  #flushLater(): void {
    if (this.#isQueued || this.#response === undefined) return;
    this.#isQueued = true;
    this.#turn.add(this);
  }

  #book(): void {
    const characters = this.#waitingCharacters + this.#givenCharacters;
    const cost = characters === 0 ? 0 : costOf(KeptKind.ANSWER, characters);
    this.#parts.party.rebook(KeptKind.ANSWER, this.#cost, cost);
    this.#cost = cost;
  }
}

function lengthOf(lines: readonly string[]): number {
  return lines.reduce((sum, { length }) => sum + length, 0);
}
