import { Worker } from 'node:worker_threads';
import type { Logger } from '../../base/logger.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import { STORE_STATES, type StoreFault, type StoreHealth, type StoreState } from '../store-state.ts';
import type {
  CallAnswer,
  DatabaseAnswer,
  DatabaseCall,
  DatabaseOperations,
  DatabaseRequest,
  OpenAnswer,
} from './database-messages.ts';
import type { ForeignFile } from './migrate.ts';

type DatabaseParts = {
  /** As people know it: `sessions`. */
  readonly name: string;
  /** Empty for one in memory, which is gone with `close`. */
  readonly file: string;
  /** The module that calls `serveDatabase`, as it is named in the sources: `new URL('./x.ts', import.meta.url)`. */
  readonly worker: URL;
  /** The operation that writes and changes nothing, where nobody else finds out that the disk has healed. */
  readonly probe?: string;
  /** What the module needs besides. */
  readonly options?: unknown;
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
const THREAD_ENDED: StoreFault = { state: 'failing', message: 'the thread of the database has ended' };
const CLOSED: StoreFault = { state: 'unreachable', message: 'the database was closed' };

/**
 * A database in a thread of its own, seen from the thread that asks it: no statement runs here. Writes that are asked
 * for while a commit is under way are committed together with the next one.
 *
 * `Operations` is the type of what the worker's module serves.
 */
export class WorkerDatabase<Operations extends DatabaseOperations> {
  readonly #parts: DatabaseParts;
  #worker: Worker | undefined;
  #state: StoreState = 'ready';
  /** It was told by a question how it stands. */
  #isReadFault = false;
  /** Who waits for the answers to the requests that were sent, the oldest first: answers come in that order. */
  readonly #asked: ((answers: DatabaseAnswer) => void)[] = [];
  #writes: PendingWrite[] = [];
  #writing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #opening: Promise<Result<void, ForeignFile>> | undefined;
  /** Why nothing can be asked any more. */
  #end: StoreFault | undefined = { state: 'unreachable', message: 'the database is not open' };

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
  }

  get health(): StoreHealth {
    return { name: this.#parts.name, state: this.#state, advice: STORE_STATES[this.#state] };
  }

  /**
   * Starts the worker, which opens the file and brings it to the newest schema. A fault of disk or file is a state of
   * this object, and every call answers with it.
   *
   * @returns why the file is left alone, where it is
   */
  open(): Promise<Result<void, ForeignFile>> {
    this.#opening = this.#start();
    return this.#opening;
  }

  async #start(): Promise<Result<void, ForeignFile>> {
    const { worker: module, file, name, log, options } = this.#parts;
    const worker = new Worker(asPublished(module), { name: `recado ${name}`, workerData: { file, options } });
    this.#worker = worker;
    worker.on('error', (error: unknown) => {
      log.error({ err: error, store: name }, `the thread of ${name} ended by an error`);
    });
    const answer = await new Promise<OpenAnswer>((resolve) => {
      worker.once('message', resolve);
      worker.once('exit', () => {
        this.#finish(THREAD_ENDED);
        resolve({ state: 'fault', fault: THREAD_ENDED, isTriedAgain: false });
      });
    });
    if (answer.state === 'foreign') return fail(answer.foreign);
    this.#end = undefined;
    if (answer.state === 'fault') {
      this.#turnTo(answer.fault);
      if (answer.isTriedAgain) this.#tryLater();
      else this.#finish(answer.fault);
    }
    worker.on('message', (answers: DatabaseAnswer) => this.#asked.shift()?.(answers));
    return succeed(undefined);
  }

  /** Asks outside of a transaction. */
  async read<Name extends keyof Operations & string>(
    name: Name,
    input: InputOf<Operations[Name]>,
  ): Promise<Stored<OutputOf<Operations[Name]>>> {
    const [answer] = await this.#ask({ kind: 'read', call: { name, input } });
    // Whether it can be written is not known from what was read, unless it was a question that failed.
    if ('fault' in answer! || this.#isReadFault) this.#turnTo('fault' in answer! ? answer.fault : undefined);
    this.#isReadFault = 'fault' in answer!;
    return take(answer!);
  }

  /** Asks in a transaction: what was asked lasts when this resolves, or nothing of it was done. */
  async write<Name extends keyof Operations & string>(
    name: Name,
    input: InputOf<Operations[Name]>,
  ): Promise<Stored<OutputOf<Operations[Name]>>> {
    const answer = await new Promise<CallAnswer>((settle) => {
      this.#writes.push({ name, input, settle });
      this.#writing ??= this.#writeAll();
    });
    return take(answer);
  }

  /** What was read is not what was written: nothing is asked any more. */
  condemn(message: string): void {
    this.#turnTo({ state: 'damaged', message });
  }

  /** After everything that was asked. */
  async close(): Promise<void> {
    // Until its worker has answered, nobody knows whether there is something to be closed.
    await Promise.allSettled([this.#opening]);
    await this.#writing;
    clearTimeout(this.#retry);
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    const isOpen = this.#end === undefined;
    this.#end ??= CLOSED;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    // One that has nothing open ends by itself.
    const request: DatabaseRequest = { kind: 'close' };
    if (isOpen) worker.postMessage(request, []);
    if (worker.threadId !== -1) await exited;
  }

  async #writeAll(): Promise<void> {
    while (this.#writes.length > 0) {
      const writes = this.#writes;
      this.#writes = [];
      const calls = writes.map(({ name, input }) => ({ name, input }));
      const answers = await this.#ask({ kind: 'write', calls });
      const fault = answers.flatMap((answer) => ('fault' in answer ? [answer.fault] : []))[0];
      this.#turnTo(fault);
      this.#isReadFault = false;
      for (const [index, { settle }] of writes.entries()) settle(answers[index] ?? answers[0]!);
    }
    this.#writing = undefined;
    if (this.#state !== 'ready') this.#tryLater();
  }

  /** What was refused may be all that was to be written: without this, nobody would find out that it can be again. */
  #tryLater(): void {
    const { probe } = this.#parts;
    if (probe === undefined || this.#end !== undefined) return;
    clearTimeout(this.#retry);
    const { name, log } = this.#parts;
    this.#retry = setTimeout(() => {
      this.write(probe, undefined as never).catch((error: unknown) => {
        log.error({ err: error, store: name }, `whether ${name} can be stored again cannot be tried`);
      });
    }, RETRY_MS).unref();
  }

  #ask(request: DatabaseRequest): Promise<DatabaseAnswer> {
    if (this.#end !== undefined) return Promise.resolve([{ fault: this.#end }]);
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#worker!.postMessage(request, []);
    });
  }

  /** Tells people when it stands otherwise than before. A file that is damaged does not mend itself. */
  #turnTo(fault: StoreFault | undefined): void {
    const { name, file, log } = this.#parts;
    const state = fault?.state ?? 'ready';
    if (state === this.#state || this.#end !== undefined) return;
    this.#state = state;
    const fields = { store: name, file, state };
    if (fault === undefined) log.warn(fields, `${name} can be stored again`);
    else log.error(fields, `${name} cannot be stored (${fault.message}): ${STORE_STATES[fault.state]}`);
    if (fault?.state === 'damaged') this.#end = fault;
  }

  #finish(fault: StoreFault): void {
    this.#end ??= fault;
    for (const answer of this.#asked.splice(0)) answer([{ fault: this.#end }]);
  }
}

function take<Output>(answer: CallAnswer): Stored<Output> {
  if ('error' in answer) throw answer.error;
  return 'fault' in answer ? fail(answer.fault) : succeed(answer.output as Output);
}

/** The sources run as they are; what is published is JavaScript. */
function asPublished(module: URL): URL {
  return import.meta.url.endsWith('.ts') ? module : new URL(module.href.replace(/\.ts$/, '.js'));
}
