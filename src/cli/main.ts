import { writeFaultOf } from '../base/file-fault.ts';
import { escapeControls } from '../base/printable-text.ts';
import { keepTicksFast } from './keep-ticks-fast.ts';
import { setOptimization } from './optimization.ts';
import { findStartFault } from './start-fault.ts';
import { tell } from './tell.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`recado … | head`) is no failure.
  if (error.code === 'EPIPE') process.exit(0);
  tell(`the standard output cannot be written: ${writeFaultOf(error)}`);
  process.exit(1);
});
// What cannot be told leaves the exit code, which says it too.
process.stderr.on('error', () => {});
process.on('uncaughtException', (error) => void failAndExit(error));
process.on('unhandledRejection', (reason) => void failAndExit(reason));
// Started by a program that waits for news on a channel: when it is gone, nobody else stops this one.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel alone must not keep a program alive that has nothing left to do.
process.channel?.unref();

async function fail(error: unknown): Promise<void> {
  const { describeFailure } = await import('./describe-failure.ts');
  const { text, exitCode } = await describeFailure(error);
  // What others said may be in it: a broker's reason, a hub's answer.
  if (text !== '') process.stderr.write(escapeControls(text));
  process.exitCode = exitCode;
}

async function failAndExit(error: unknown): Promise<void> {
  try {
    await fail(error);
  } catch {
    // Where no file can be opened, its words cannot be loaded either. It must not be told of that, and so on.
    process.stderr.write(`${escapeControls(error instanceof Error ? error.message : String(error))}\n`);
    process.exitCode = 1;
  }
  process.exit();
}

keepTicksFast();
const startFault = findStartFault();
if (startFault !== undefined) {
  tell(startFault);
  process.exit(2);
}
const [word] = process.argv.slice(2);
// Before anything large is loaded; the hub goes on without until it listens.
if (word === 'hub') setOptimization('off');
const { buildProgram } = await import('./program.ts');
const program = await buildProgram(word);
try {
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync(process.argv);
} catch (error) {
  await fail(error);
}
