import { readLiteral } from '../base/literal/reader.ts';
import { isSpace, LiteralScanner } from '../base/literal/scanner.ts';
import { RunningCommand, type CommandEnd } from './command-runner.ts';
import type { PreparedCommand, PreparedDevice } from './definition.ts';
import type { HubSocket } from './hub-socket.ts';
import type { LinkOptions } from './options.ts';
import {
  CONNECT,
  FAILED_COMMAND,
  INVALID_COMMAND,
  LATE_COMMAND,
  readInput,
  RECEIVED,
  writeAnswer,
  writeDescription,
} from './plain-words.ts';

const OPEN_BRACE = 0x7b;
const MAX_ID_BYTES = 64;

/** What a connection of version 1 tells its link. */
type PlainListener = {
  /** The hub gave this id. Called again if more of it arrives later: there is no framing. */
  onId(id: string): void;
  /** The hub sent what cannot be understood; the connection is of no more use. */
  onBroken(why: string): void;
};

/**
 * One connection of version 1: says `Conexão`, takes the id, describes the commands, then answers whatever is
 * asked, in the order in which it is asked, because answers carry no id.
 */
export class PlainConnection {
  readonly socket: HubSocket;
  readonly #device: PreparedDevice;
  readonly #options: LinkOptions;
  readonly #listener: PlainListener;
  readonly #scanner: LiteralScanner;
  #id: Buffer = Buffer.alloc(0);
  #isIdComplete = false;
  /** Chunks of a command that is not complete yet. */
  #parts: Buffer[] = [];
  readonly #queue: unknown[] = [];
  #running: RunningCommand | undefined;

  constructor(
    socket: HubSocket,
    context: { device: PreparedDevice; options: LinkOptions; listener: PlainListener },
  ) {
    this.socket = socket;
    this.#device = context.device;
    this.#options = context.options;
    this.#listener = context.listener;
    this.#scanner = new LiteralScanner({
      maxBytes: context.options.maxMessageBytes,
      maxDepth: context.options.maxNestingDepth,
    });
  }

  /** Says that a lasting connection is wanted. The description follows the hub's id. */
  start(): void {
    this.socket.read((chunk) => this.#onBytes(chunk));
    this.socket.whenClosed(() => {
      this.#queue.length = 0;
      this.#running?.abandon('connection-lost');
    });
    this.socket.write(CONNECT);
  }

  #onBytes(chunk: Buffer): void {
    let at = this.#isIdComplete ? 0 : this.#takeId(chunk);
    while (at < chunk.length && this.socket.isOpen) {
      if (this.#parts.length === 0 && isSpace(chunk[at])) {
        at++;
        continue;
      }
      const end = this.#scanner.scan(chunk, at);
      if (end === -2) return this.#break(`a message ${SCAN_BREAKS[this.#scanner.broken ?? 'shape']}`);
      if (end === -1) {
        this.#parts.push(chunk.subarray(at));
        return;
      }
      this.#onMessage(chunk, at, end);
      at = end;
    }
  }

  /** The id is whatever comes before the first `{`. The hub waits for the description before it sends that. */
  #takeId(chunk: Buffer): number {
    const brace = chunk.indexOf(OPEN_BRACE);
    const end = brace < 0 ? chunk.length : brace;
    const isFirst = this.#id.length === 0;
    this.#id = Buffer.concat([this.#id, chunk.subarray(0, end)]);
    if (brace >= 0) this.#isIdComplete = true;
    const id = this.#id.toString('utf8').trim();
    if (this.#id.length > MAX_ID_BYTES || (id === '' && brace >= 0)) {
      this.#break('it gave no id that can be used');
      return chunk.length;
    }
    if (end > 0 && id !== '') this.#listener.onId(id);
    if (isFirst && this.#id.length > 0) this.socket.write(writeDescription(this.#device.commands));
    return end;
  }

  #onMessage(chunk: Buffer, start: number, end: number): void {
    let bytes = chunk;
    let [from, to] = [start, end];
    if (this.#parts.length > 0) {
      bytes = Buffer.concat([...this.#parts, chunk.subarray(start, end)]);
      [from, to] = [0, bytes.length];
      this.#parts = [];
    }
    const result = readLiteral(bytes, from, to, this.#options.maxNestingDepth);
    if (this.#queue.length >= this.#options.maxQueuedCommands) {
      return this.#break('it sent more commands than may wait, without waiting for their answers');
    }
    this.#queue.push(result.ok ? result.value : undefined);
    this.#next();
  }

  /** Answers what waits, one after the other. */
  #next(): void {
    while (this.#running === undefined && this.#queue.length > 0) this.#handle(this.#queue.shift());
  }

  #handle(message: unknown): void {
    const { Comando: asked, Entrada: entry } = (message ?? {}) as Record<string, unknown>;
    const number =
      typeof asked === 'number' || (typeof asked === 'string' && /^\d{1,6}$/.test(asked))
        ? Number(asked)
        : -1;
    if (number === 0) return this.socket.write(RECEIVED);
    const { commands, describe } = this.#device;
    if (number === commands.length + 1) return this.#run(describe, undefined);
    const command = commands[number - 1];
    if (command === undefined) return this.socket.write(writeAnswer(INVALID_COMMAND));
    const read = readInput(command.input, entry);
    if (read.ok) this.#run(command, read.value);
    else this.socket.write(writeAnswer(read.failure));
  }

  #run(command: PreparedCommand, input: unknown): void {
    const { clock, onError, answerTimeoutMs } = this.#options;
    const whenDone = (end: CommandEnd): void => {
      this.#running = undefined;
      this.#answer(end);
      this.#next();
    };
    this.#running = new RunningCommand(
      command,
      { input, deadlineMs: answerTimeoutMs },
      { clock, onError, whenDone },
    );
  }

  #answer(end: CommandEnd): void {
    if (end.kind === 'error') {
      const text = end.code === 'HANDLER_FAILED' ? FAILED_COMMAND : end.message;
      this.socket.write(writeAnswer(text));
    } else if (end.kind === 'abandoned') {
      if (end.why === 'deadline') this.socket.write(writeAnswer(LATE_COMMAND));
    } else {
      this.socket.write(this.#writeOutput(end.output));
    }
  }

  #writeOutput(output: unknown): string {
    try {
      return writeAnswer(output);
    } catch (error) {
      this.#options.onError(
        new Error('The output of a handler cannot be sent: it is no JSON value.', { cause: error }),
      );
      return writeAnswer(FAILED_COMMAND);
    }
  }

  #break(why: string): void {
    this.#listener.onBroken(`The hub does not speak version 1 of the protocol here: ${why}.`);
    this.socket.close();
  }
}

const SCAN_BREAKS = {
  bytes: 'is too large',
  depth: 'is nested too deep',
  shape: 'is no dictionary',
} as const;
