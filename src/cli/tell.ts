import { escapeLine } from '../base/printable-text.ts';

/** Says something to the person on standard error, in a line that begins with the name of the program. */
export function tell(text: string): void {
  process.stderr.write(`recado: ${escapeLine(text)}\n`);
}
