import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', 'dist', 'data', 'bin']);

/** Names of the files below a folder that end so, from the repository's root, with `/`, sorted. */
export function listFiles(folder: string, ending: string): string[] {
  const found: string[] = [];
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const full = join(path, entry.name);
      if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) walk(full);
      if (entry.isFile() && entry.name.endsWith(ending))
        found.push(relative(ROOT, full).split(sep).join('/'));
    }
  };
  walk(join(ROOT, folder));
  return found.sort((one, other) => (one < other ? -1 : 1));
}

/** The text of a file of the repository. */
export function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** One `import` or `export … from` of a source file. */
export type Import = {
  /** As written: `../base/errors.ts`, `fastify`, `node:fs`. */
  readonly specifier: string;
  /** `import type`: nothing is loaded when the program runs. */
  readonly isTypeOnly: boolean;
};

const STATIC_IMPORT = /^[ \t]*(?:import|export)\s+(type\s)?(?:[\w*$\s{},]*?\sfrom\s+)?['"]([^'"\n]+)['"]/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*(['"]([^'"\n]+)['"])?/g;

/** Every import of a source text: static, dynamic, type-only, and `export … from`. */
export function readImports(text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (const match of code.matchAll(STATIC_IMPORT)) {
    found.push({ specifier: match[2] ?? '', isTypeOnly: match[1] !== undefined });
  }
  for (const match of code.matchAll(DYNAMIC_IMPORT)) {
    // A computed name cannot be judged: it shows as one that no rule allows.
    found.push({ specifier: match[2] ?? '(computed)', isTypeOnly: false });
  }
  return found;
}

/** Blanks comments that begin a line or follow code; texts with `//` inside, as URLs, stay. */
function withoutComments(text: string): string {
  return text.replaceAll(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
}
