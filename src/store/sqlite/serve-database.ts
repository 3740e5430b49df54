import { parentPort, workerData } from 'node:worker_threads';
import type { DatabaseSync } from 'node:sqlite';
import type {
  CallAnswer,
  DatabaseAnswer,
  DatabaseCall,
  DatabaseFile,
  DatabaseOperations,
  DatabaseRequest,
  OpenAnswer,
} from './database-messages.ts';
import { migrate, type ForeignFile, type Schema } from './migrate.ts';
import { openDatabase } from './open-database.ts';
import { faultOf } from './sqlite-error.ts';

/** One kind of database, as its worker serves it. */
type ServedDatabase = {
  readonly schema: Schema;
  /** Prepares its statements, once. */
  open(db: DatabaseSync): {
    readonly operations: DatabaseOperations;
    /** What the calls of a transaction did lasts now. */
    onCommitted?(): void;
    /** Nothing of what they did was done. */
    onRolledBack?(): void;
  };
};

type OpenedDatabase = ReturnType<ServedDatabase['open']>;

/** The whole of a worker: opens its database and answers the requests of a `WorkerDatabase`, one after the other. */
export function serveDatabase(served: ServedDatabase): void {
  const port = parentPort;
  if (port === null) throw new TypeError('a database is served in a worker');
  const { file } = workerData as DatabaseFile;
  const say = (answer: OpenAnswer): void => port.postMessage(answer);
  let db: DatabaseSync;
  let opened: OpenedDatabase;
  try {
    db = openDatabase(file);
    const foreign: ForeignFile | undefined = migrate(db, file, served.schema);
    if (foreign !== undefined) {
      db.close();
      return say({ state: 'foreign', foreign });
    }
    opened = served.open(db);
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    return say({ state: 'fault', fault });
  }
  say({ state: 'open' });
  port.on('message', (request: DatabaseRequest) => {
    if (request.kind === 'close') {
      db.close();
      port.close();
      return;
    }
    const answer = request.kind === 'read' ? [call(opened, request.call)] : write(db, opened, request.calls);
    port.postMessage(answer);
  });
}

function call({ operations }: OpenedDatabase, { name, input }: DatabaseCall): CallAnswer {
  try {
    const operation = operations[name];
    if (operation === undefined) throw new TypeError(`the database has no operation ${name}`);
    return { output: operation(input as never) };
  } catch (error) {
    const fault = faultOf(error);
    return fault === undefined ? { error } : { fault };
  }
}

/** All in one transaction. A call that is a mistake of a program is not to take the others with it. */
function write(db: DatabaseSync, opened: OpenedDatabase, calls: readonly DatabaseCall[]): DatabaseAnswer {
  const answers: CallAnswer[] = [];
  try {
    db.exec('BEGIN');
    for (const each of calls) {
      const answer = call(opened, each);
      answers.push(answer);
      if (!('output' in answer)) break;
    }
    if (answers.length === calls.length && 'output' in answers.at(-1)!) {
      db.exec('COMMIT');
      opened.onCommitted?.();
      return answers;
    }
  } catch (error) {
    const fault = faultOf(error);
    answers.splice(0, answers.length, fault === undefined ? { error } : { fault });
  }
  if (db.isTransaction) db.exec('ROLLBACK');
  opened.onRolledBack?.();
  const last = answers.at(-1)!;
  if ('error' in last && calls.length > 1) return calls.flatMap((each) => write(db, opened, [each]));
  return calls.map(() => last);
}
