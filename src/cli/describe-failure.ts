import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { RecadoError, type ErrorCode } from '../base/errors.ts';
import { withoutPasswords } from './without-passwords.ts';

/** The caller must change the command line or the configuration; trying again does not help. */
const EXIT_WRONG_USE = 2;
const EXIT_FAILED = 1;
const GONE_FOLDER = 'recado: the folder that you are in is not there any more; go to another one\n';
const WRONG_USE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['CONFIG_INVALID', 'LISTENER_UNSAFE']);

/** What to print on standard error about a failure (perhaps nothing), and the exit code. */
export async function describeFailure(error: unknown): Promise<{ text: string; exitCode: number }> {
  // Commander has printed its own text by now; `--help` and `--version` come this way too, with code 0.
  if (error instanceof CommanderError)
    return { text: '', exitCode: error.exitCode === 0 ? 0 : EXIT_WRONG_USE };
  if (error instanceof RecadoError) {
    const exitCode = WRONG_USE.has(error.code) ? EXIT_WRONG_USE : EXIT_FAILED;
    const issues = error.issues.map((issue) => `\n  ${issue.pointer} ${issue.message}`).join('');
    return { text: withoutPasswords(`recado: ${error.message}${issues}\n`), exitCode };
  }
  if (isFolderGone(error)) return { text: GONE_FOLDER, exitCode: EXIT_FAILED };
  if (isTerminalGone(error)) return { text: '', exitCode: EXIT_FAILED };
  const { ClientError } = await import('../client/errors.ts');
  if (error instanceof ClientError)
    return { text: withoutPasswords(`recado: ${error.message}\n`), exitCode: EXIT_FAILED };
  return { text: unexpectedText(error), exitCode: EXIT_FAILED };
}

/** Where the program was started somebody has removed the folder. */
function isFolderGone(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).syscall === 'uv_cwd';
}

/**
 * The program that held the terminal for this one was killed: the shell has it back, and what this one would still say
 * or restore there is refused.
 */
function isTerminalGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall = '' } = error as NodeJS.ErrnoException;
  return code === 'EIO' && ['setRawMode', 'write'].includes(syscall);
}

function unexpectedText(error: unknown): string {
  return [
    'recado: this should not have happened; it is a mistake in Recado.',
    'Please report it as CONTRIBUTING.md says, with the output of `recado --version` and these lines:',
    '',
    withoutPasswords(inspect(error)),
    '',
  ].join('\n');
}
