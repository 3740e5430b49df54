import { describeFailure } from './describe-failure.ts';
import { buildProgram } from './program.ts';

// A reader that has seen enough (`recado … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.on('uncaughtException', (error) => void fail(error).finally(() => process.exit()));
process.on('unhandledRejection', (reason) => void fail(reason).finally(() => process.exit()));

async function fail(error: unknown): Promise<void> {
  const { text, exitCode } = await describeFailure(error);
  if (text !== '') process.stderr.write(text);
  process.exitCode = exitCode;
}

const program = buildProgram();
try {
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync(process.argv);
} catch (error) {
  await fail(error);
}
