// Builds dist/, what is published: plain JavaScript with types.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureConsole } from './build-console.mjs';
import { ensureInstalled, root, run } from './checkout.mjs';

await ensureInstalled();
rmSync(join(root, 'dist'), { recursive: true, force: true });
// Comments are for who reads types; in what runs, Node would keep them in memory.
const passes = [['--emitDeclarationOnly'], ['--declaration', 'false', '--removeComments']];
for (const options of passes)
  process.exitCode ||= await run('tsc', ['-p', 'tsconfig.build.json', ...options]);
if (!(await ensureConsole())) process.exitCode ||= 1;
