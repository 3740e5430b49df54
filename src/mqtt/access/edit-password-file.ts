import { chmod, chown, open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail, succeed, type Result } from '../../base/result.ts';
import { formatFault } from './file-fault.ts';
import { parsePasswordFile, readUserLine } from './password-file.ts';
import { readAccessFile } from './read-access-file.ts';

/** Only the owner may read it: a hash is guessed at leisure by whoever has it. */
const NEW_FILE_MODE = 0o600;

/**
 * The text of a password file in which a user has exactly these secrets; other lines and comments stay as they are.
 *
 * @param secrets - what stands behind the colon; none takes the user out
 */
export function setUserSecrets(text: string, userName: string, secrets: readonly string[]): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const first = lines.findIndex((line) => readUserLine(line)?.userName === userName);
  const others = lines.filter((line) => readUserLine(line)?.userName !== userName);
  const added = secrets.map((secret) => `${userName}:${secret}`);
  others.splice(first < 0 ? others.length : first, 0, ...added);
  return others.map((line) => `${line}\n`).join('');
}

/** The secrets that a user has in the text of a password file. */
export function findUserSecrets(text: string, userName: string): string[] {
  return text.split('\n').flatMap((line) => {
    const user = readUserLine(line);
    return user?.userName === userName ? [user.secret] : [];
  });
}

/**
 * Changes a password file, or makes one that only its owner may read. Whoever reads it meanwhile sees the old file or
 * the new one, and of two changes at once the second is refused. Nothing is written that the server could not read.
 *
 * @param edit - the new text from the old one, which is empty when there is no file; undefined changes nothing
 * @returns whether something was written, or what is wrong and what to do, a line each
 * @throws what the file system says, for instance when the folder may not be written to
 */
export async function editPasswordFile(
  file: string,
  edit: (text: string) => string | undefined,
): Promise<Result<{ readonly isChanged: boolean }, readonly string[]>> {
  const target = await realpath(file).catch(() => file);
  const draft = `${target}.new`;
  let handle: FileHandle;
  try {
    handle = await open(draft, 'wx', NEW_FILE_MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const message = `${draft} exists: the file is being changed by another; if that was killed, remove ${draft}`;
    return fail([message]);
  }
  try {
    const result = await writeDraft({ file, target, handle }, edit);
    await handle.close();
    if (!result.ok || !result.value.isChanged) return result;
    await keepOwner(target, draft);
    await rename(draft, target);
    await syncFolder(dirname(target));
    return result;
  } finally {
    await handle.close().catch(() => undefined);
    // Gone already when it took the place of the file.
    await rm(draft, { force: true });
  }
}

type Draft = { readonly file: string; readonly target: string; readonly handle: FileHandle };

async function writeDraft(
  { file, target, handle }: Draft,
  edit: (text: string) => string | undefined,
): ReturnType<typeof editPasswordFile> {
  const exists = await stat(target).then(
    () => true,
    () => false,
  );
  const old = exists ? (await readAccessFile(target)).result : undefined;
  if (old?.ok === false) return fail([`${file} ${old.failure}`]);
  const text = edit(old?.value.text ?? '');
  if (text === undefined) return succeed({ isChanged: false });
  const parsed = parsePasswordFile(text);
  if (!parsed.ok) return fail(parsed.failure.map((fault) => formatFault(file, fault)));
  await handle.writeFile(text);
  await handle.sync();
  return succeed({ isChanged: true });
}

/** The new file belongs to whom the old one belonged to, and may be read by the same people. */
async function keepOwner(target: string, draft: string): Promise<void> {
  const old = await stat(target).catch(() => undefined);
  if (old === undefined) return;
  const { uid, gid } = await stat(draft);
  if (old.uid !== uid || old.gid !== gid) await chown(draft, old.uid, old.gid);
  await chmod(draft, old.mode & 0o777);
}

/** So that the new name survives a loss of power. Not every system lets folders be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
