// `npm test`: everything, on a fresh clone as well. Installs what is missing, checks, builds, runs all tests.
import { ensureInstalled, pinnedNode, run, runQuietly } from './checkout.mjs';
import { findTests, runSteps, runTests, STATIC_STEPS } from './steps.mjs';

/** Debian packages that tests use, and how to see that each is there. */
const SYSTEM_PACKAGES = [
  { name: 'tmux', check: 'command -v tmux' },
  { name: 'python3', check: 'command -v python3' },
  { name: 'chromium', check: 'command -v chromium' },
  { name: 'curl', check: 'command -v curl' },
  { name: 'mosquitto', check: 'command -v mosquitto || test -x /usr/sbin/mosquitto' },
  { name: 'mosquitto-clients', check: 'command -v mosquitto_pub' },
  { name: 'nginx-light', check: 'test -x /usr/sbin/nginx' },
  { name: 'haproxy', check: 'test -x /usr/sbin/haproxy' },
  { name: 'caddy', check: 'command -v caddy' },
  { name: 'nats-server', check: 'command -v nats-server || test -x /usr/sbin/nats-server' },
  { name: 'python3-jinja2', check: '/usr/bin/python3 -c "import jinja2"' },
  { name: 'python3-paho-mqtt', check: '/usr/bin/python3 -c "import paho.mqtt.client"' },
];

await ensureInstalled();
await ensureSystemPackages();
const failed = await runSteps([
  ...STATIC_STEPS,
  ['build', pinnedNode(), ['scripts/build.mjs']],
  ['package', pinnedNode(), ['scripts/check-package.mjs']],
]);
if ((await runTests(findTests('src', 'test'))) !== 0) failed.push('tests');
if (failed.length > 0) process.stdout.write(`\nFailed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function ensureSystemPackages() {
  const missing = [];
  for (const { name, check } of SYSTEM_PACKAGES) if (!(await succeeds(check))) missing.push(name);
  if (missing.length === 0) return;
  const why = (await whyNotInstallable()) ?? (await install(missing));
  if (why !== undefined)
    process.stdout.write(`Skipped: tests that need ${missing.join(', ')}, because ${why}.\n`);
}

async function succeeds(command) {
  return (await runQuietly('sh', ['-c', command])).exitCode === 0;
}

async function whyNotInstallable() {
  if (process.getuid?.() !== 0) return 'they are not installed and this user is not root';
  return (await succeeds('command -v apt-get'))
    ? undefined
    : 'they are not installed and there is no apt-get';
}

async function install(names) {
  process.stdout.write(`Installing ${names.join(', ')} (apt-get).\n`);
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  await run('apt-get', ['-qq', 'update'], options);
  const exitCode = await run(
    'apt-get',
    ['-qq', 'install', '-y', '--no-install-recommends', ...names],
    options,
  );
  return exitCode === 0 ? undefined : 'apt-get could not install them';
}
