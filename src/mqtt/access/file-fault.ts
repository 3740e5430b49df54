/** What is wrong in one line of a file, and what to do. */
export type LineFault = { readonly line: number; readonly message: string };

/** Faults that one reading tells; a file with more is the wrong file. */
export const MAX_TOLD_FAULTS = 20;

/** `acl.txt:3: "topik" is no rule; …` */
export function formatFault(file: string, { line, message }: LineFault): string {
  return `${file}:${line}: ${message}`;
}
