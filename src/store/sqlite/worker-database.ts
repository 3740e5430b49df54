import type { MessagePort } from 'node:worker_threads';
import type { Logger } from '../../base/logger.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import { adviceFor, type StoreFault, type StoreHealth, type StoreState } from '../store-state.ts';
import type {
  CallAnswer,
  DatabaseAnswer,
  DatabaseCall,
  DatabaseOperations,
  DatabaseRequest,
  OpenAnswer,
} from './database-messages.ts';
import type { DatabaseThread } from './database-thread.ts';
import type { ForeignFile } from './migrate.ts';

type DatabaseParts = {
  /** As people know it: `sessions`. */
  readonly name: string;
  /** Empty for one in memory, which is gone with `close`. */
  readonly file: string;
  /** Whose module serves it, by its name. */
  readonly thread: DatabaseThread;
  /** Who writes tries again what failed, so that it need not be tried here whether the disk has healed. */
  readonly isTriedByOthers?: boolean;
  readonly log: Logger;
};

/** What a call came to; or what the disk said, and nothing of the call was done. */
export type Stored<Output> = Result<Output, StoreFault>;

type PendingWrite = DatabaseCall & {
  readonly settle: (answer: CallAnswer) => void;
};

type InputOf<Operation> = Operation extends (input: infer Input) => unknown ? Input : never;
type OutputOf<Operation> = Operation extends (input: never) => infer Output ? Output : never;

/** How long after a write that failed the disk is tried again, if nobody writes before. */
const RETRY_MS = 1000;
const THREAD_ENDED: StoreFault = { state: 'ended', message: 'the thread of the database has ended' };
/** Writes and changes nothing: whether the disk takes it is what is asked. Each thread has it. */
const PROBE: DatabaseCall = { name: 'probe', input: undefined };
const CLOSED: StoreFault = { state: 'unreachable', message: 'the database was closed' };

/**
 * A database in another thread, seen from the one that asks it: no statement runs here. Writes that are asked for while
 * a commit is under way are committed together with the next one.
 *
 * `Operations` is the type of what its module serves.
 */
export class WorkerDatabase<Operations extends DatabaseOperations> {
  readonly #parts: DatabaseParts;
  #port: MessagePort | undefined;
  #state: StoreState = 'ready';
  /** The file holds nothing yet, and could not be begun. */
  #isEmpty = false;
  /** It was told by a question how it stands. */
  #isReadFault = false;
  /** Who waits for the answers to the requests that were sent, the oldest first: answers come in that order. */
  readonly #asked: ((answers: DatabaseAnswer) => void)[] = [];
  #writes: PendingWrite[] = [];
  #writing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isTriedByOthers = false;
  #opening: Promise<Result<void, ForeignFile>> | undefined;
  /** Why nothing can be asked any more. */
  #end: StoreFault | undefined = { state: 'unreachable', message: 'the database is not open' };

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
  }

  get health(): StoreHealth {
    const isOver = this.#end !== undefined;
    return { name: this.#parts.name, state: this.#state, advice: adviceFor(this.#state, isOver) };
  }

  /**
   * Has the thread open the file and bring it to the newest schema. A fault of disk or file is a state of this object,
   * and every call answers with it.
   *
   * @returns why the file is left alone, where it is
   */
  open(): Promise<Result<void, ForeignFile>> {
    this.#opening = this.#start();
    return this.#opening;
  }

  async #start(): Promise<Result<void, ForeignFile>> {
    const { thread, name, file } = this.#parts;
    const port = thread.connect({ name, file });
    this.#port = port;
    port.on('message', (answers: DatabaseAnswer) => this.#asked.shift()?.(answers));
    port.once('close', () => {
      this.#port = undefined;
      this.#finish(THREAD_ENDED);
    });
    this.#end = undefined;
    const [answer] = await this.#ask({ kind: 'open' });
    if (!('output' in answer!)) {
      if ('error' in answer!) this.#finish(mistake(answer.error));
      return succeed(undefined);
    }
    const { foreign, fault, isTriedAgain } = answer.output as OpenAnswer;
    if (foreign !== undefined) {
      this.#end = { state: 'unreachable', message: foreign.message };
      return fail(foreign);
    }
    this.#isEmpty = fault !== undefined && isTriedAgain === true;
    if (fault !== undefined && !isTriedAgain) this.#finish(fault);
    this.#turnTo(fault);
    return succeed(undefined);
  }

  /** Asks outside of a transaction. */
  async read<Name extends keyof Operations & string>(
    name: Name,
    input: InputOf<Operations[Name]>,
  ): Promise<Stored<OutputOf<Operations[Name]>>> {
    const [answer] = await this.#ask({ kind: 'read', call: { name, input } });
    const isFault = 'fault' in answer!;
    // Whether it can be written is not known from what was read, unless it was a question that failed.
    if (isFault || this.#isReadFault) this.#hear([answer!]);
    this.#isReadFault = isFault;
    return take(answer!);
  }

  /**
   * Asks for what must be known before anything is written: where it cannot be read, nothing is asked any more, so that
   * nothing is written over it.
   */
  async load<Name extends keyof Operations & string>(
    name: Name,
    input: InputOf<Operations[Name]>,
  ): Promise<Stored<OutputOf<Operations[Name]>>> {
    const [answer] = await this.#ask({ kind: 'read', call: { name, input } });
    if ('fault' in answer! && !this.#isEmpty) this.#finish(answer.fault);
    return take(answer!);
  }

  /** Asks in a transaction: what was asked lasts when this resolves, or nothing of it was done. */
  async write<Name extends keyof Operations & string>(
    name: Name,
    input: InputOf<Operations[Name]>,
  ): Promise<Stored<OutputOf<Operations[Name]>>> {
    this.#isTriedByOthers = this.#parts.isTriedByOthers === true;
    const answer = await new Promise<CallAnswer>((settle) => {
      this.#writes.push({ name, input, settle });
      this.#writing ??= this.#writeAll();
    });
    return take(answer);
  }

  /** What was read is not what was written: nothing is asked any more. */
  condemn(message: string): void {
    this.#finish({ state: 'damaged', message });
  }

  /** After everything that was asked. */
  async close(): Promise<void> {
    // Until its thread has answered, nobody knows whether there is something to be closed.
    await Promise.allSettled([this.#opening]);
    await this.#writing;
    clearTimeout(this.#retry);
    const port = this.#port;
    this.#port = undefined;
    this.#end ??= CLOSED;
    if (port === undefined) return;
    const closed = new Promise((resolve) => port.once('close', resolve));
    port.postMessage({ kind: 'close' } satisfies DatabaseRequest, []);
    await closed;
  }

  async #writeAll(): Promise<void> {
    while (this.#writes.length > 0) {
      const writes = this.#writes;
      this.#writes = [];
      const calls = writes.map(({ name, input }) => ({ name, input }));
      const answers = await this.#ask({ kind: 'write', calls });
      this.#hear(answers);
      this.#isReadFault = false;
      for (const [index, { settle }] of writes.entries()) settle(answers[index] ?? answers[0]!);
    }
    this.#writing = undefined;
  }

  async #tryDisk(): Promise<void> {
    const { name, log } = this.#parts;
    const [answer] = await this.#ask({ kind: 'write', calls: [PROBE] });
    if ('error' in answer!)
      log.error({ err: answer.error, store: name }, `whether ${name} can be stored again cannot be tried`);
    this.#hear([answer!]);
  }

  #ask(request: DatabaseRequest): Promise<DatabaseAnswer> {
    if (this.#end !== undefined) return Promise.resolve([{ fault: this.#end }]);
    return new Promise((resolve) => {
      try {
        this.#port!.postMessage(request, []);
        this.#asked.push(resolve);
      } catch (error) {
        // It cannot be copied: a mistake of who asks, and no answer will come.
        resolve([{ error }]);
      }
    });
  }

  /** What answers say of the disk; a mistake of a program says nothing of it. */
  #hear(answers: DatabaseAnswer): void {
    const faulty = answers.find((answer) => 'fault' in answer);
    if (faulty !== undefined) this.#turnTo(faulty.fault);
    else if (answers.some((answer) => 'output' in answer)) this.#turnTo(undefined);
  }

  #turnTo(fault: StoreFault | undefined): void {
    if (this.#end !== undefined) return;
    // A file that is damaged does not mend itself.
    if (fault?.state === 'damaged') return this.#finish(fault);
    this.#tell(fault);
    clearTimeout(this.#retry);
    // What was refused may be all that was to be written: nobody else would find out that it can be again.
    if (fault !== undefined && !this.#isTriedByOthers)
      this.#retry = setTimeout(() => void this.#tryDisk(), RETRY_MS).unref();
  }

  /** Nothing can be asked any more. */
  #finish(fault: StoreFault): void {
    const end = (this.#end ??= fault);
    if (end === fault) this.#tell(fault);
    for (const answer of this.#asked.splice(0)) answer([{ fault: end }]);
  }

  /** Tells people when it stands otherwise than before. */
  #tell(fault: StoreFault | undefined): void {
    const { name, file, log } = this.#parts;
    const state = fault?.state ?? 'ready';
    if (state === this.#state) return;
    this.#state = state;
    const fields = { store: name, file, state };
    if (fault === undefined) log.warn(fields, `${name} can be stored again`);
    else log.error(fields, `${name} cannot be stored (${fault.message}): ${this.health.advice}`);
  }
}

function mistake(error: unknown): StoreFault {
  return { state: 'ended', message: error instanceof Error ? error.message : String(error) };
}

function take<Output>(answer: CallAnswer): Stored<Output> {
  if ('error' in answer) throw answer.error;
  return 'fault' in answer ? fail(answer.fault) : succeed(answer.output as Output);
}
