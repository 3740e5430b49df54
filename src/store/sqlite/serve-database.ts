import { parentPort, workerData } from 'node:worker_threads';
import type { DatabaseSync } from 'node:sqlite';
import type { StoreFault } from '../store-state.ts';
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
import { openDatabase, sizeOf } from './open-database.ts';
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

type OpenedDatabase = ReturnType<ServedDatabase['open']> & { readonly db: DatabaseSync };

/** The whole of a worker: opens its database and answers the requests of a `WorkerDatabase`, one after the other. */
export function serveDatabase(served: ServedDatabase): void {
  const port = parentPort;
  if (port === null) throw new TypeError('a database is served in a worker');
  const { file } = workerData as DatabaseFile;
  const say = (answer: OpenAnswer): void => port.postMessage(answer);
  const isTriedAgain = sizeOf(file) === 0;
  let opened = open(served, file);
  if ('foreign' in opened) return say({ state: 'foreign', foreign: opened.foreign });
  say('fault' in opened ? { state: 'fault', fault: opened.fault, isTriedAgain } : { state: 'open' });
  if ('fault' in opened && !isTriedAgain) return;
  port.on('message', (request: DatabaseRequest) => {
    if (request.kind === 'close') {
      if ('db' in opened) opened.db.close();
      port.close();
      return;
    }
    if (!('db' in opened)) {
      const again = open(served, file);
      if (!('foreign' in again)) opened = again;
    }
    port.postMessage('db' in opened ? answer(opened, request) : [opened]);
  });
}

/** The database, brought to the newest schema; or why there is none. */
function open(
  served: ServedDatabase,
  file: string,
): OpenedDatabase | { foreign: ForeignFile } | { fault: StoreFault } {
  let db: DatabaseSync | undefined;
  try {
    db = openDatabase(file);
    const foreign = migrate(db, file, served.schema);
    if (foreign === undefined) return { ...served.open(db), db };
    db.close();
    return { foreign };
  } catch (error) {
    db?.close();
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    return { fault };
  }
}

function answer(
  opened: OpenedDatabase,
  request: Exclude<DatabaseRequest, { kind: 'close' }>,
): DatabaseAnswer {
  return request.kind === 'read' ? [call(opened, request.call)] : write(opened, request.calls);
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
function write(opened: OpenedDatabase, calls: readonly DatabaseCall[]): DatabaseAnswer {
  const { db } = opened;
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
  if ('error' in last && calls.length > 1) return calls.flatMap((each) => write(opened, [each]));
  return calls.map(() => last);
}
