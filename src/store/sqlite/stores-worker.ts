import { HUB } from './hub/serve-hub.ts';
import { DatabaseServer, serveThread, type ServedDatabase } from './serve-database.ts';
import { SESSIONS } from './sessions/serve-sessions.ts';

/* The thread of sessions.db and hub.db. Each is a file with transactions of its own. */

const SERVED: Readonly<Record<string, ServedDatabase>> = { sessions: SESSIONS, hub: HUB };

serveThread(({ name, file, port }) => {
  const served = SERVED[name];
  if (served === undefined) throw new TypeError(`there is no database ${name}`);
  return new DatabaseServer(served, { file, port });
});
