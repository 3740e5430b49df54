import type { MqttClientError } from '../../mqtt/client/client-error.ts';
import type { QoS } from '../../mqtt/codec/control-packet.ts';

/** The first messages at QoS 1 and 2 go into a pipe in steps of 1, 2, 4 …, as far as this. */
const LAST_STEP = 64;
/** So long a reader of a pipe has to end after each of them: `head -1` needs a tenth of it. */
const READER_TURN_MS = 10;

const PrinterState = {
  TAKING: 0,
  /** As many as are wanted were taken: they are printed, and no more. */
  FULL: 1,
  OVER: 2,
} as const;
type PrinterState = (typeof PrinterState)[keyof typeof PrinterState];

type PrinterParts = {
  /** How many are printed at most. */
  readonly count: number | undefined;
  /** A reader may end while there is more: then what it was given last is lost. */
  readonly isPipe: boolean;
  /** Settles when the output has it; never, when its reader is gone: then the program ends. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
};

type Entry = {
  readonly qos: QoS;
  /** As it is printed; not written into again. */
  readonly bytes: Uint8Array;
  readonly acknowledge: () => void;
};

/**
 * Prints messages in their order, and acknowledges each when the output has it: whatever ends the program, the broker
 * still has what was not printed.
 */
export class Printer {
  /** Settles when no more is to be printed; rejects when that is a failure. */
  readonly ended: Promise<void>;
  readonly #parts: PrinterParts;
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers();
  #state: PrinterState = PrinterState.TAKING;
  #waiting: Entry[] = [];
  #isWriting = false;
  #left: number;
  #step = 1;

  constructor(parts: PrinterParts) {
    this.#parts = parts;
    this.#left = parts.count ?? Number.POSITIVE_INFINITY;
    this.ended = this.#end.promise;
    // It may end before anybody waits for it.
    this.ended.catch(() => {});
  }

  get takesMore(): boolean {
    return this.#state === PrinterState.TAKING;
  }

  print(entry: Entry): void {
    if (!this.takesMore) return;
    this.#waiting.push(entry);
    if (--this.#left === 0) this.#state = PrinterState.FULL;
    if (!this.#isWriting) void this.#writeAll();
  }

  /** The broker sends again, on a new connection, what has no acknowledgement. */
  forgetUnacknowledged(): void {
    const kept = this.#waiting.filter(({ qos }) => qos === 0);
    this.#left += this.#waiting.length - kept.length;
    if (this.#left > 0 && this.#state === PrinterState.FULL) this.#state = PrinterState.TAKING;
    this.#waiting = kept;
  }

  /** Nothing more is printed from now on. */
  end(error?: MqttClientError): void {
    this.#state = PrinterState.OVER;
    if (error === undefined) this.#end.resolve();
    else this.#end.reject(error);
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0 && this.#state !== PrinterState.OVER) {
      const isStep = this.#parts.isPipe && this.#step <= LAST_STEP && this.#waiting[0]!.qos > 0;
      const batch = this.#waiting.splice(0, isStep ? this.#step : this.#waiting.length);
      await this.#parts.write(Buffer.concat(batch.map(({ bytes }) => bytes)));
      for (const { acknowledge } of batch) acknowledge();
      if (this.#state === PrinterState.FULL && this.#waiting.length === 0) this.end();
      else if (isStep) {
        this.#step *= 2;
        await new Promise((resolve) => setTimeout(resolve, READER_TURN_MS));
      }
    }
    this.#isWriting = false;
  }
}
