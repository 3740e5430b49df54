/** Configs that are read in one turn of the event loop, and devices that are described in one. */
const CONFIGS_PER_TURN = 16;
const DEVICES_PER_TURN = 8;

/** A config that waits to be read. */
export type WaitingConfig = {
  readonly topicName: string;
  /** Empty: there is none any more. */
  readonly payload: string;
  readonly digest: string;
  /** To whom it is booked. */
  readonly from: string;
};

type ConfigReader = {
  readonly take: (config: WaitingConfig) => void;
  /** Describes devices whose configs were taken; false when there are none left. */
  readonly describe: (most: number) => boolean;
};

/** Configs come by the thousand when a bridge starts: a few are read in a turn, so that nobody else waits for them. */
export class ConfigQueue {
  readonly #reader: ConfigReader;
  readonly #waiting = new Map<string, WaitingConfig>();
  #isRunning = false;
  #isClosed = false;

  constructor(reader: ConfigReader) {
    this.#reader = reader;
  }

  get(topicName: string): WaitingConfig | undefined {
    return this.#waiting.get(topicName);
  }

  /** Of a topic that says two things in a row, the later one is read. */
  add(config: WaitingConfig): void {
    this.#waiting.set(config.topicName, config);
    this.run();
  }

  /** Goes on until nothing waits. */
  run(): void {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    setImmediate(this.#runTurn);
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
  }

  /** All configs that have come are read before a device is described: most of its own are among them. */
  readonly #runTurn = (): void => {
    this.#isRunning = false;
    if (this.#isClosed) return;
    let count = 0;
    for (const [topicName, config] of this.#waiting) {
      if (count++ >= CONFIGS_PER_TURN) break;
      this.#waiting.delete(topicName);
      this.#reader.take(config);
    }
    if (this.#waiting.size > 0 || this.#reader.describe(DEVICES_PER_TURN)) this.run();
  };
}
