import { escapeLine } from '../../base/printable-text.ts';
import type { LocalHub } from '../../api/local-hub.ts';
import { findDataFolder } from '../find-data-folder.ts';
import type { FolderFlags } from './account-flags.ts';

type Problem = { readonly detail: string; readonly code: string };

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
  const hub = await openLocalHub(await findDataFolder(flags), log);
  try {
    const answer = await hub.ask(method, `/api/v1${path}`, body);
    if (answer.status < 400) return answer.body ?? {};
    const { detail, code } = answer.body as Problem;
    process.stderr.write(`recado: ${escapeLine(detail)} (${code})\n`);
    process.exitCode = 1;
    return undefined;
  } finally {
    await hub.close();
  }
}
