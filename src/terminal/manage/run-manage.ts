import type { Language } from '../language.ts';

export type ManageOptions = {
  /** Where the hub is; undefined: the application asks. */
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly language: Language;
  /** Plain lines even where screens are possible. */
  readonly isPlain: boolean;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * Runs the management application until somebody quits: with screens on a terminal, with plain lines elsewhere.
 *
 * @returns the exit code of the program
 */
export async function runManage(options: ManageOptions): Promise<number> {
  const { stdin, stdout, env } = options;
  const isScreenPossible = stdin.isTTY && stdout.isTTY && env['TERM'] !== 'dumb';
  if (options.isPlain || !isScreenPossible) {
    const { runPlain } = await import('./plain/run-plain.ts');
    await runPlain(options);
  } else {
    const { runScreens } = await import('./run-screens.ts');
    await runScreens(options);
  }
  return 0;
}
