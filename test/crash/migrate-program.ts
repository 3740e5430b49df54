import { migrate } from '../../src/store/sqlite/migrate.ts';
import { openDatabase } from '../../src/store/sqlite/open-database.ts';
import { GROWN_SCHEMA } from './grown-schema.ts';

/* Brings a file on, as the thread of a database does. Its argument is the file. */

const file = process.argv[2]!;
const db = openDatabase(file);
// As with a file that is larger than the memory for its pages: a step writes before it is committed.
db.exec('PRAGMA cache_size = 5');
migrate(db, file, GROWN_SCHEMA);
db.close();
