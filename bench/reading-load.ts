import { parseArgs } from 'node:util';
import { createDevice } from '../src/device/index.ts';

/*
 * Devices that report ten metrics each, at a steady rate, until standard input ends. Prints `ready` when all are
 * connected, and at the end one line of JSON: how many readings it sent in how many seconds.
 */

const DEVICES = 50;
const METRICS = 10;
const STEP_MS = 5;

const { values } = parseArgs({
  options: {
    tcp: { type: 'string', default: '5050' },
    udp: { type: 'string', default: '5060' },
    by: { type: 'string', default: 'connection' },
    rate: { type: 'string', default: '50000' },
  },
});
const telemetryBy = values.by === 'datagram' ? 'datagram' : 'connection';
const perSecond = Number(values.rate) / METRICS;
const devices = Array.from({ length: DEVICES }, (_, index) =>
  createDevice({
    id: `greenhouse-${index}`,
    hub: `127.0.0.1:${values.tcp}`,
    udpPort: Number(values.udp),
    telemetryBy,
    token: 'a-token-of-sixteen',
  }),
);
await Promise.all(devices.map((device) => device.start()));
process.stdout.write('ready\n');
process.stdin.resume();

let sent = 0;
let dropped = 0;
const startedAt = performance.now();
let elapsed = 0;
while (!process.stdin.readableEnded) {
  for (const due = Math.floor((elapsed / 1000) * perSecond); sent < due; sent++) {
    const readings: Record<string, number> = {};
    for (let metric = 0; metric < METRICS; metric++)
      readings[`metric-${metric}`] = Math.round(2000 + metric * 100 + Math.sin(sent / 5000) * 500) / 100;
    if (devices[sent % DEVICES]?.report(readings) === 'dropped') dropped++;
  }
  await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  elapsed = performance.now() - startedAt;
}
const report = { sent: sent * METRICS, dropped: dropped * METRICS, seconds: elapsed / 1000 };
process.stdout.write(`${JSON.stringify(report)}\n`);
await Promise.all(devices.map((device) => device.stop()));
