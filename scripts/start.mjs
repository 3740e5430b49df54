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
const { devices, ids } = await startDevices(listening);
process.stdout.write(screen(listening, ids));

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
  const [http, tcp, udp, mqtt] = ['http', 'tcp', 'udp', 'mqtt'].map((scheme) => callable(address(scheme)));
  return { http, tcp, udp, mqtt };
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
function screen({ http, tcp, udp, mqtt }, ids) {
  const names = DEVICES.map(({ title }, index) =>
    ids[index] === undefined ? title : `${title} (${ids[index]})`,
  );
  const withDevices = tcp !== undefined ? `, with ${names.join(' and ')}` : '';
  const [sensor = 'DE1', radio = 'DE1-2'] = ids;
  return [
    '',
    `Recado is running${withDevices}.`,
    '',
    `  applications   ${http}`,
    ...(tcp === undefined ? [] : [`  devices        ${tcp}  ${udp}`]),
    ...(mqtt === undefined ? [] : [`  MQTT           ${mqtt}`]),
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

/**
 * Starts the virtual devices one after the other, so that the sensor is the first and gets the first id, as the README
 * shows. Ids are missing when the hub does not tell them (it wants a token).
 */
async function startDevices(listening) {
  const devices = [];
  const ids = [];
  for (const device of listening.tcp === undefined ? [] : DEVICES) {
    devices.push(startDevice(device, listening));
    const id = await newDeviceId(listening.http, ids);
    if (id !== undefined) ids.push(id);
  }
  return { devices, ids };
}

async function newDeviceId(http, known) {
  const until = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < until) {
    const answer = await fetch(`${http}/api/v1/devices?status=online`).catch(() => undefined);
    if (answer?.status === 401 || answer?.status === 403) break;
    const online = answer?.ok ? (await answer.json()).devices.map((device) => device.deviceId) : [];
    const id = online.find((each) => !known.includes(each));
    if (id !== undefined) return id;
    await sleep(50);
  }
  return undefined;
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
