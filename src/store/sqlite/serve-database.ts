import { parentPort, type MessagePort } from 'node:worker_threads';
import type { DatabaseSync } from 'node:sqlite';
import { findCollector } from '../../base/find-collector.ts';
import type { StoreFault } from '../store-state.ts';
import {
  GIVE_BACK_MEMORY,
  type CallAnswer,
  type DatabaseAnswer,
  type DatabaseCall,
  type DatabaseConnection,
  type DatabaseOperations,
  type DatabaseRequest,
  type OpenAnswer,
} from './database-messages.ts';
import { diskFaultOf } from './disk-fault.ts';
import { migrate, type ForeignFile, type Schema } from './migrate.ts';
import { BUSY_TIMEOUT_MS, openFile, sizeOf, whyGone, type OpenedFile } from './open-database.ts';

/** One kind of database, as its thread serves it. */
export type ServedDatabase = {
  readonly schema: Schema;
  /** Prepares its statements; again for a file that is opened again. */
  open(db: DatabaseSync): {
    readonly operations: DatabaseOperations;
    /** What the calls of a transaction did lasts now. */
    onCommitted?(): void;
    /** Nothing of what they did was done. */
    onRolledBack?(): void;
  };
};

type OpenedDatabase = ReturnType<ServedDatabase['open']> & OpenedFile;

/** How soon a file that another program keeps locked is looked at again. */
const LOOK_AGAIN_MS = 20;

/** The whole of a thread: it serves each database that it is told of. */
export function serveThread(serve: (connection: DatabaseConnection) => void): void {
  if (parentPort === null) throw new TypeError('databases are served in a worker');
  parentPort.on('message', (message: DatabaseConnection | typeof GIVE_BACK_MEMORY) => {
    if (message === GIVE_BACK_MEMORY) findCollector()?.({ type: 'major', flavor: 'last-resort' });
    else serve(message);
  });
}

/**
 * Answers the requests of a `WorkerDatabase`, one after the other. Nothing here waits for a lock: the thread has other
 * databases.
 */
export class DatabaseServer {
  readonly #served: ServedDatabase;
  readonly #file: string;
  readonly #port: MessagePort;
  readonly #requests: DatabaseRequest[] = [];
  #opened: OpenedDatabase | undefined;
  /** Why it is not open, or only to be read. */
  #fault: StoreFault | undefined;
  /** When the request that is next has met a lock. */
  #lockedSince: number | undefined;

  constructor(served: ServedDatabase, { file, port }: Pick<DatabaseConnection, 'file' | 'port'>) {
    this.#served = served;
    this.#file = file;
    this.#port = port;
    port.on('message', (request: DatabaseRequest) => {
      this.#requests.push(request);
      if (this.#lockedSince === undefined) this.#goOn();
    });
  }

  #goOn(): void {
    for (let request = this.#requests[0]; request !== undefined; request = this.#requests[0]) {
      if (request.kind === 'close') return this.#close();
      const answers = this.#answer(request);
      if (this.#isLocked(request, answers) && this.#waitForLock()) return;
      this.#lockedSince = undefined;
      this.#requests.shift();
      this.#port.postMessage(answers, []);
    }
  }

  #isLocked({ kind }: DatabaseRequest, answers: DatabaseAnswer): boolean {
    if (kind === 'open') return this.#fault?.state === 'locked';
    return answers.some((answer) => 'fault' in answer && answer.fault.state === 'locked');
  }

  #waitForLock(): boolean {
    const now = performance.now();
    this.#lockedSince ??= now;
    if (now - this.#lockedSince > BUSY_TIMEOUT_MS) return false;
    setTimeout(() => this.#goOn(), LOOK_AGAIN_MS);
    return true;
  }

  #close(): void {
    this.#opened?.db.close();
    this.#port.close();
  }

  #answer(request: Exclude<DatabaseRequest, { kind: 'close' }>): DatabaseAnswer {
    try {
      if (request.kind === 'open') return [{ output: this.#begin() }];
      const isRead = request.kind === 'read';
      if (this.#opened === undefined || (!isRead && this.#fault !== undefined)) this.#open();
      if (this.#opened === undefined || (!isRead && this.#fault !== undefined))
        return [{ fault: this.#fault! }];
      return isRead ? [this.#call(this.#opened, request.call)] : this.#write(this.#opened, request.calls);
    } catch (error) {
      const fault = diskFaultOf(error, this.#file);
      return [fault === undefined ? { error } : { fault }];
    }
  }

  #begin(): OpenAnswer {
    const isTriedAgain = sizeOf(this.#file) === 0;
    const foreign = this.#open();
    const isOver = foreign !== undefined || (this.#opened === undefined && !isTriedAgain);
    return { foreign, fault: this.#fault, isTriedAgain: !isOver };
  }

  /** Opens the file and brings it to the newest schema, where that can be. */
  #open(): ForeignFile | undefined {
    let file: OpenedFile | undefined;
    try {
      file = openFile(this.#file, 0);
      const foreign = migrate(file.db, this.#file, this.#served.schema);
      if (foreign !== undefined) {
        file.db.close();
        return foreign;
      }
      const before = this.#opened;
      this.#opened = { ...file, ...withProbe(this.#served.open(file.db), file.db) };
      this.#fault = file.whyOnlyRead;
      before?.db.close();
      return undefined;
    } catch (error) {
      file?.db.close();
      const fault = diskFaultOf(error, this.#file);
      if (fault === undefined) throw error;
      this.#fault = fault;
      return undefined;
    }
  }

  #call({ operations }: OpenedDatabase, { name, input }: DatabaseCall): CallAnswer {
    try {
      const operation = operations[name];
      if (operation === undefined) throw new TypeError(`the database has no operation ${name}`);
      return { output: operation(input as never) };
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** All in one transaction. A call that is a mistake of a program is not to take the others with it. */
  #write(opened: OpenedDatabase, calls: readonly DatabaseCall[]): DatabaseAnswer {
    const { db } = opened;
    const answers: CallAnswer[] = [];
    const gone = whyGone(opened);
    if (gone !== undefined) return calls.map(() => ({ fault: gone }));
    try {
      db.exec('BEGIN');
      for (const each of calls) {
        const answer = this.#call(opened, each);
        answers.push(answer);
        if (!('output' in answer)) break;
      }
      if (answers.length === calls.length && 'output' in answers.at(-1)!) {
        db.exec('COMMIT');
        opened.onCommitted?.();
        return answers;
      }
    } catch (error) {
      answers.splice(0, answers.length, this.#failed(error));
    }
    if (db.isTransaction) db.exec('ROLLBACK');
    opened.onRolledBack?.();
    const last = answers.at(-1)!;
    if ('error' in last && calls.length > 1) return calls.flatMap((each) => this.#write(opened, [each]));
    return calls.map(() => last);
  }

  #failed(error: unknown): CallAnswer {
    const fault = diskFaultOf(error, this.#file);
    return fault === undefined ? { error } : { fault };
  }
}

/** What is written is what stands there. */
function withProbe(opened: ReturnType<ServedDatabase['open']>, db: DatabaseSync): typeof opened {
  const read = db.prepare('PRAGMA user_version');
  const probe = (): void => db.exec(`PRAGMA user_version = ${Number(read.get()!['user_version'])}`);
  return { ...opened, operations: { ...opened.operations, probe } };
}
