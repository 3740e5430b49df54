import { isUtf8 } from 'node:buffer';
import { fstatSync, readFileSync } from 'node:fs';

/** Stands for bytes that are no text: Node reads arguments and variables so. */
const REPLACEMENT = '\ufffd';
const ARGUMENTS_FILE = '/proc/self/cmdline';

/** What is wrong with the way in which the program was started, so that it would do something else than was meant. */
export function findStartFault(): string | undefined {
  const variable = Object.keys(process.env).find(
    (name) => name.startsWith('RECADO_') && process.env[name]?.includes(REPLACEMENT) === true,
  );
  if (variable !== undefined) return `${variable} is not UTF-8 text`;
  if (process.argv.some((word) => word.includes(REPLACEMENT)) && !areArgumentsUtf8())
    return 'an argument is not UTF-8 text; what is no text goes in by a file, or by the standard input';
  return isInputFolder() ? 'the standard input is a folder, not a file' : undefined;
}

/** True where that cannot be seen. */
function areArgumentsUtf8(): boolean {
  try {
    return isUtf8(readFileSync(ARGUMENTS_FILE));
  } catch {
    return true;
  }
}

function isInputFolder(): boolean {
  try {
    return fstatSync(0).isDirectory();
  } catch {
    return false;
  }
}
