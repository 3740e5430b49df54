#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read: it must be able to say that Node is too old.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const isCheckout = existsSync(`${root}src`) && !/[\\/]node_modules[\\/]/.test(root);

if (isCheckout) {
  const { runSource } = await import('../scripts/checkout.mjs');
  await runSource('src/cli/main.ts', process.argv.slice(2));
} else if (isRecent(process.versions.node)) {
  await import('../dist/cli/main.js');
} else {
  process.stderr.write(`recado: Node 24.7 or newer is needed; this is Node ${process.versions.node}.\n`);
  process.exitCode = 1;
}

function isRecent(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 7);
}
