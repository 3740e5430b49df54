// `npm start`: a hub and two virtual devices, on a fresh clone as well. Arguments go to the hub: `npm start -- --http-port 8080`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureInstalled, environment, pinnedNode, root } from './checkout.mjs';

const DEVICES = [
  { kind: 'sensor', title: 'a temperature sensor', flags: ['--wave', '--on'] },
  { kind: 'radio', title: 'a radio', flags: [] },
];
const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 8000;

await ensureInstalled();
const stopped = stopSignal();
const hub = startChild(['hub', ...process.argv.slice(2)], {
  RECADO_LOG_LEVEL: process.env.RECADO_LOG_LEVEL ?? 'warn',
});
const listening = await Promise.race([readiness(hub), stopped]);
if (listening === undefined) {
  // It said why on standard error, or somebody pressed Ctrl+C early.
  process.exit(await stop(hub));
}
const devices = listening.tcp === undefined ? [] : DEVICES.map((device) => startDevice(device, listening));
process.stdout.write(await screen(listening, devices));

const crashed = hub.ended.then((exitCode) => ({ exitCode }));
const end = await Promise.race([stopped, crashed]);
process.stdout.write('\nStopping the devices, then the hub.\n');
await Promise.all(devices.map(stop));
const exitCode = await stop(hub);
process.exit(end?.exitCode ?? exitCode);

/** Runs the program under the pinned Node, out of reach of the terminal's Ctrl+C: this script stops it, in order. */
function startChild(args, settings = {}) {
  const child = spawn(pinnedNode(), [join(root, 'src/cli/main.ts'), ...args], {
    env: { ...environment, ...settings },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    detached: true,
  });
  const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
  // Nobody reads what a headless device prints, but its pipe must not fill up.
  child.stdout.resume();
  return { child, ended };
}

async function readiness({ child, ended }) {
  const ready = new Promise((resolve) => child.once('message', resolve));
  const message = await Promise.race([ready, ended]);
  if (typeof message !== 'object') return undefined;
  const address = (scheme) =>
    message.listening.find((each) => each.address.startsWith(`${scheme}:`))?.address;
  return { http: callable(address('http')), tcp: callable(address('tcp')), udp: callable(address('udp')) };
}

/** An address that listens everywhere is no address to call. */
function callable(address) {
  return address?.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
}

function startDevice({ kind, flags }, { tcp, udp }) {
  const [tcpUrl, udpUrl] = [new URL(tcp), new URL(udp)];
  const host = tcpUrl.hostname.replaceAll(/[[\]]/g, '');
  const where = ['--host', host, '--port', tcpUrl.port, '--udp-port', udpUrl.port];
  return startChild(['simulate', kind, '--headless', ...flags, ...where]);
}

/** What runs, and what to try. */
async function screen({ http, tcp, udp }, started) {
  const ids = await deviceIds(http, started.length);
  const names = DEVICES.map(({ title }, index) =>
    ids[index] === undefined ? title : `${title} (${ids[index]})`,
  );
  const withDevices = started.length > 0 ? `, with ${names.join(' and ')}` : '';
  const [sensor = 'DE1', radio = 'DE1-2'] = ids;
  return [
    '',
    `Recado is running${withDevices}.`,
    '',
    `  applications   ${http}`,
    ...(tcp === undefined ? [] : [`  devices        ${tcp}  ${udp}`]),
    '',
    'Try, in another terminal:',
    `  curl ${http}/api/v1/devices`,
    `  curl ${http}/api/v1/devices/${sensor}/telemetry`,
    `  curl -X POST ${http}/api/v1/devices/${radio}/commands/ligar`,
    '  npx recado manage',
    '',
    'Ctrl+C stops everything.',
    '',
  ].join('\n');
}

/** The ids of the virtual devices, in the order of DEVICES; fewer when the hub does not tell (it wants a token). */
async function deviceIds(http, count) {
  if (count === 0) return [];
  const until = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < until) {
    const answer = await fetch(`${http}/api/v1/devices?status=online`).catch(() => undefined);
    if (answer?.status === 401 || answer?.status === 403) break;
    const found = answer?.ok ? (await answer.json()).devices : [];
    if (found.length >= count)
      return DEVICES.map(({ kind }) => found.find((device) => hasCommandsOf(device, kind))?.deviceId);
    await sleep(100);
  }
  return [];
}

/** The radio has more commands than the sensor. */
function hasCommandsOf(device, kind) {
  return kind === 'radio' ? device.commandCount > 4 : device.commandCount <= 4;
}

/** Ends a child in order; by force when it takes too long. */
async function stop({ child, ended }) {
  if (child.exitCode !== null) return child.exitCode;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const exitCode = await ended;
  clearTimeout(timer);
  return exitCode;
}

function stopSignal() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve(undefined));
  });
}
