import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Accounts } from '../accounts/accounts.ts';
import { OWNER } from '../accounts/principal.ts';
import { RecadoError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import type { Logger } from '../base/logger.ts';
import { DataFolder } from '../store/data-folder.ts';
import { requireDatabases } from '../store/examine-folder.ts';
import { HubDatabase } from '../store/sqlite/hub/hub-database.ts';
import { SqliteAccountStore } from '../store/sqlite/hub/sqlite-account-store.ts';
import { SqliteAuditStore } from '../store/sqlite/hub/sqlite-audit-store.ts';
import type { StoreHealth } from '../store/store-state.ts';
import { auditRequests } from './audit-requests.ts';
import { createApp } from './create-app.ts';
import { parseJsonBodies } from './json-bodies.ts';
import { ownerSocketPath } from './owner-socket.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { userRoutes } from './routes/users.ts';

// An import would load all that hangs on the module's names (docs/decisions/0020).
const { request } = process.getBuiltinModule('node:http');

const MAX_BODY_BYTES = 65_536;

type LocalAnswer = { readonly status: number; readonly body: unknown };

/** The accounts of a data folder, asked as the API is: by its owner. */
export type LocalHub = {
  ask(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<LocalAnswer>;
  close(): Promise<void>;
};

/**
 * The hub that runs over a data folder; where none runs, the accounts in the folder, opened here.
 *
 * @param makesFolder - for the first account of a hub that never ran
 * @throws {RecadoError} `DATA_FOLDER_TAKEN` when a hub has the folder and cannot be asked; `STORE_UNAVAILABLE`
 */
export async function openLocalHub(
  dataDir: string,
  { log, makesFolder }: { readonly log: Logger; readonly makesFolder: boolean },
): Promise<LocalHub> {
  const folder = new DataFolder(dataDir);
  const running = askRunning(ownerSocketPath(folder.path));
  if (await isThere(running)) return running;
  if (!makesFolder) requireDatabases(folder.path);
  return openFolder(folder, log);
}

/** What the hub that runs over a data folder says of its stores that are not ready; undefined where none answers. */
export async function askStores(dataDir: string): Promise<readonly StoreHealth[] | undefined> {
  const running = askRunning(ownerSocketPath(new DataFolder(dataDir).path));
  const answer = await running.ask('GET', '/readyz').catch(() => undefined);
  return answer && ((answer.body as { readonly stores?: readonly StoreHealth[] }).stores ?? []);
}

/** Whether somebody answers. A socket whose hub is gone refuses. */
async function isThere(hub: LocalHub): Promise<boolean> {
  return hub.ask('GET', '/healthz').then(
    () => true,
    () => false,
  );
}

function askRunning(socketPath: string): LocalHub {
  return {
    async ask(method, path, body) {
      const content = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        host: 'localhost',
        ...(content !== undefined && { 'content-type': 'application/json' }),
      };
      const asked = request({ socketPath, method, path, headers }).end(content);
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
      return { status: response.statusCode ?? 0, body: parseJson(text) };
    },
    close: () => Promise.resolve(),
  };
}

async function openFolder(folder: DataFolder, log: Logger): Promise<LocalHub> {
  folder.open();
  const database = new HubDatabase(folder.file('hub.db'), { log });
  const auditStore = new SqliteAuditStore(database);
  const accounts = new Accounts({ store: new SqliteAccountStore(database), auditStore, log });
  const app = createApp({ log, maxBodyBytes: MAX_BODY_BYTES, maxPathValueCharacters: 1024, place: '' });
  parseJsonBodies(app);
  app.decorateRequest('principal');
  app.decorateRequest('address', '');
  app.addHook('onRequest', (asked, _, done) => {
    asked.principal = OWNER;
    done();
  });
  auditRequests(app, accounts);
  let hasChanged = false;
  const close = async (): Promise<void> => {
    await app.close();
    await accounts.stop();
    await database.close();
    if (hasChanged) folder.close();
    else folder.abandon();
  };
  try {
    await database.start();
    const { state, advice } = database.health;
    if (state === 'unreachable' || state === 'damaged')
      throw new RecadoError('STORE_UNAVAILABLE', `the accounts in ${folder.path} cannot be had: ${advice}`);
    await accounts.start();
    await app.register(tokenRoutes, { accounts, prefix: '/api/v1' });
    await app.register(userRoutes, { accounts, prefix: '/api/v1' });
    await app.ready();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async ask(method, url, body) {
      const { statusCode, payload } = await app.inject({ method, url, ...(body !== undefined && { body }) });
      hasChanged ||= statusCode < 400;
      return { status: statusCode, body: parseJson(payload) };
    },
    close,
  };
}
