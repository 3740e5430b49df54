import type { LocalHub } from '../../api/local-hub.ts';
import { findDataFolder } from '../find-data-folder.ts';
import { tell } from '../tell.ts';
import type { FolderFlags } from './account-flags.ts';

type Problem = {
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
};

/** What the command line calls the members of a request. */
const WORDS: Readonly<Record<string, string>> = {
  devices: '--scope',
  tags: '--scope',
  services: '--scope',
  topics: '--scope',
  expiresInSeconds: '--expires-in',
};

type Question = {
  readonly method: Parameters<LocalHub['ask']>[0];
  readonly path: string;
  readonly body?: object;
};

/**
 * Asks the hub of this machine, or the accounts in its data folder where it does not run. What it refuses is told on
 * standard error, and the exit code is 1.
 *
 * @returns the answer; undefined where it was refused
 */
export async function askAccounts(flags: FolderFlags, { method, path, body }: Question): Promise<unknown> {
  const [{ openLocalHub }, { createHubLog }] = await Promise.all([
    import('../../api/local-hub.ts'),
    import('../hub-log.ts'),
  ]);
  const log = createHubLog({ level: 'warn', format: 'auto' });
  const makesFolder = method === 'POST';
  const hub = await openLocalHub(await findDataFolder(flags), { log, makesFolder });
  try {
    const answer = await hub.ask(method, `/api/v1${path}`, body);
    if (answer.status < 400) return answer.body ?? {};
    const problem = answer.body as Problem;
    tell(`${describe(problem)} (${problem.code})`);
    process.exitCode = 1;
    return undefined;
  } finally {
    await hub.close();
  }
}

function describe({ detail, errors: [issue] = [] }: Problem): string {
  if (issue === undefined) return detail;
  const member = issue.pointer.split('/').findLast((part) => /\D/.test(part)) ?? '';
  return `${WORDS[member] ?? `the ${member}`} ${issue.message}`;
}
