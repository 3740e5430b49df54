// Builds dist/, what is published: plain JavaScript with types.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureConsole } from './build-console.mjs';
import { ensureInstalled, pinnedNode, root, run, runQuietly } from './checkout.mjs';

await ensureInstalled();
rmSync(join(root, 'dist'), { recursive: true, force: true });
// Comments are for who reads types; in what runs, Node would keep them in memory.
const passes = [['--emitDeclarationOnly'], ['--declaration', 'false', '--removeComments']];
for (const options of passes)
  process.exitCode ||= await run('tsc', ['-p', 'tsconfig.build.json', ...options]);
if (!(await ensureConsole())) process.exitCode ||= 1;
const page = await runQuietly(pinnedNode(), [join(root, 'scripts', 'man-page.ts')]);
if (page.exitCode === 0) writeFileSync(join(root, 'dist', 'recado.1'), page.output);
else process.exitCode ||= 1;
