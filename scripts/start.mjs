// `npm start`: a hub and three virtual devices, on a fresh clone as well. Arguments go to the hub: `npm start -- --http-port 8080`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureConsole } from './build-console.mjs';
import { ensureInstalled, environment, pinnedNode, root } from './checkout.mjs';

const FRAMED = ['--protocol', '2', '--id'];
const DEVICES = [
  { title: 'a temperature sensor', words: ['sensor', ...FRAMED, 'sensor', '--wave', '--on'] },
  { title: 'an internet radio', words: ['radio', ...FRAMED, 'radio'] },
  { title: 'a radio of the old protocol', words: ['radio', '--title', oldTitle()] },
];
const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 8000;

await ensureInstalled();
// Without it there is a hub all the same.
await ensureConsole();
const stopped = stopSignal();
const hub = startChild(['hub', ...process.argv.slice(2)], {
  RECADO_LOG_LEVEL: process.env.RECADO_LOG_LEVEL ?? 'warn',
});
const listening = await Promise.race([readiness(hub), stopped]);
if (listening === undefined) {
  // It said why on standard error, or somebody pressed Ctrl+C early.
  process.exit(await stop(hub));
}
const isTrusted = await fetch(`${listening.http}/healthz`).then(
  () => true,
  () => false,
);
const { devices, ids } = await startDevices(listening, isTrusted);
process.stdout.write(screen(listening, { ids, isTrusted }));

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
  const address = (part) => message.listening.find(({ name }) => name === part)?.address;
  const parts = ['http', 'socket-tcp', 'socket-udp', 'mqtt'];
  const [http, tcp, udp, mqtt] = parts.map((part) => callable(address(part)));
  return { http, tcp, udp, mqtt, folder: message.folder };
}

/** An address that listens everywhere is no address to call. */
function callable(address) {
  return address?.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
}

/** In the reader's language, as `recado simulate` describes devices of the new protocol. */
function oldTitle() {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  const isPortuguese = /^pt/i.test(LC_ALL || LC_MESSAGES || LANG || '');
  return isPortuguese ? 'Rádio do protocolo antigo' : 'Radio of the old protocol';
}

function startDevice({ words }, { tcp, udp }) {
  const [tcpUrl, udpUrl] = [new URL(tcp), new URL(udp)];
  const host = tcpUrl.hostname.replaceAll(/[[\]]/g, '');
  const where = ['--host', host, '--port', tcpUrl.port, '--udp-port', udpUrl.port];
  return startChild(['simulate', ...words, '--headless', ...where]);
}

/** What runs, and what to try. */
function screen({ http, tcp, udp, mqtt, folder }, { ids, isTrusted }) {
  const names = DEVICES.map(({ title }, index) =>
    ids[index] === undefined ? title : `${title} (${ids[index]})`,
  );
  const withDevices = tcp !== undefined ? `, with ${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : '';
  return [
    '',
    `Recado is running${withDevices}.`,
    '',
    `  web console    ${http}`,
    `  applications   ${http}`,
    ...(tcp === undefined ? [] : [`  devices        ${tcp}  ${udp}`]),
    ...(mqtt === undefined ? [] : [`  MQTT           ${mqtt}`]),
    `  data           ${folder ?? 'in memory only'}`,
    '',
    'Try, in another terminal:',
    `  curl ${http}/api/v1/devices`,
    `  curl ${http}/api/v1/devices/sensor/telemetry`,
    `  curl -X POST ${http}/api/v1/devices/radio/commands/turnOn`,
    `  npx recado manage${http === 'http://127.0.0.1:5070' ? '' : ` ${http}`}`,
    ...(isTrusted
      ? []
      : [
          '  This machine does not know the authority of its certificate: curl --cacert FILE, manage --cafile FILE.',
        ]),
    '',
    'Ctrl+C stops everything.',
    '',
  ].join('\n');
}

/**
 * Starts the virtual devices one after the other, so that it is seen which of them has which id. Ids are missing when the
 * hub does not tell them (it wants a token, or this machine does not know whose its certificate is).
 */
async function startDevices(listening, isTrusted) {
  const devices = [];
  const ids = [];
  for (const device of listening.tcp === undefined ? [] : DEVICES) {
    devices.push(startDevice(device, listening));
    const id = isTrusted ? await newDeviceId(listening.http, ids) : undefined;
    if (id !== undefined) ids.push(id);
  }
  // A device of the old protocol says what it is when it is asked for it.
  const old = ids[DEVICES.length - 1];
  if (old !== undefined)
    await fetch(`${listening.http}/api/v1/devices/${old}/commands/describe`, { method: 'POST' });
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
