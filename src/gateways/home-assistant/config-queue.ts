import { KeptKind } from '../../base/kept-kinds.ts';
import type { Party } from '../../base/ledger.ts';
import type { BusClient } from '../../bus/bus.ts';

/** Configs that are read in one turn of the event loop, and devices that are described in one. */
const CONFIGS_PER_TURN = 16;
/** A turn in which so much was read is over. */
const CHARACTERS_PER_TURN = 65_536;
/** What a config costs that waits, beside its text. */
const WAITING_BYTES = 512;
const DEVICES_PER_TURN = 8;

/** A config that waits to be read. */
export type WaitingConfig = {
  readonly topicName: string;
  /** Empty: there is none any more. */
  readonly payload: string;
  readonly digest: string;
  /** To whom it is booked. */
  readonly from: string;
  /** Who published it, where that is known. */
  readonly client?: BusClient | undefined;
};

type Waiting = { readonly config: WaitingConfig; readonly party: Party; readonly bytes: number };

type ConfigReader = {
  readonly take: (config: WaitingConfig) => void;
  /** Describes devices whose configs were taken; false when there are none left. */
  readonly describe: (most: number) => boolean;
};

/** Configs come by the thousand when a bridge starts: a few are read in a turn, so that nobody else waits for them. */
export class ConfigQueue {
  readonly #reader: ConfigReader;
  readonly #waiting = new Map<string, Waiting>();
  #isRunning = false;
  #isClosed = false;

  constructor(reader: ConfigReader) {
    this.#reader = reader;
  }

  get(topicName: string): WaitingConfig | undefined {
    return this.#waiting.get(topicName)?.config;
  }

  /**
   * Of a topic that says two things in a row, the later one is read.
   *
   * @returns false when there is no room for it to wait
   */
  add(config: WaitingConfig, party: Party): boolean {
    const { topicName, payload } = config;
    const bytes = WAITING_BYTES + 2 * (topicName.length + payload.length);
    if (!party.book(KeptKind.DISCOVERY_CONFIG, bytes)) return false;
    this.#release(topicName);
    this.#waiting.set(topicName, { config, party, bytes });
    this.run();
    return true;
  }

  /** Goes on until nothing waits. */
  run(): void {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    setImmediate(this.#runTurn);
  }

  close(): void {
    this.#isClosed = true;
    for (const topicName of this.#waiting.keys()) this.#release(topicName);
  }

  #release(topicName: string): void {
    const waiting = this.#waiting.get(topicName);
    if (waiting === undefined) return;
    this.#waiting.delete(topicName);
    waiting.party.release(KeptKind.DISCOVERY_CONFIG, waiting.bytes);
  }

  /** All configs that have come are read before a device is described: most of its own are among them. */
  readonly #runTurn = (): void => {
    this.#isRunning = false;
    if (this.#isClosed) return;
    let count = 0;
    let characters = 0;
    for (const [topicName, { config }] of this.#waiting) {
      if (count++ >= CONFIGS_PER_TURN || characters >= CHARACTERS_PER_TURN) break;
      characters += config.payload.length;
      this.#release(topicName);
      this.#reader.take(config);
    }
    if (this.#waiting.size > 0 || this.#reader.describe(DEVICES_PER_TURN)) this.run();
  };
}
