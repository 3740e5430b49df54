import { SqliteAccountStore } from '../../src/store/sqlite/hub/sqlite-account-store.ts';
import { openHeldStore } from '../helpers/held-hub-database.ts';
import { describeAccountStore } from './account-store.ts';

describeAccountStore('SqliteAccountStore', (t) =>
  openHeldStore(t, (database) => new SqliteAccountStore(database)),
);
