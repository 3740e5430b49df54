// Builds dist/, what is published: plain JavaScript with types.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, root, run } from './checkout.mjs';

await ensureInstalled();
rmSync(join(root, 'dist'), { recursive: true, force: true });
process.exitCode = await run('tsc', ['-p', 'tsconfig.build.json']);
