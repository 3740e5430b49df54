// `node bench/discovery.ts`: a burst of configs of Home Assistant's discovery, as when a bridge with many devices starts.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../src/bus/bus.ts';
import { connectBus } from '../src/bus/client-bus.ts';
import { areBarsMet, barsTable } from './bars.ts';
import { startRecado } from './servers/recado.ts';

const CONFIGS = 5000;
const CONFIGS_AT_ONCE = 500;
/** As with Zigbee2MQTT. */
const CONFIGS_PER_DEVICE = 10;
const MAX_KNOWN_MS = 5000;
const MAX_P99_MS = 50;
const MAX_AGAIN_SHARE = 0.1;
const PROBE_EVERY_MS = 5;
const QUIET_MS = 1000;
const POLL_MS = 100;

const hub = await startRecado({ inMemory: true });
try {
  const client = await connectBus(`mqtt://127.0.0.1:${hub.port}`);
  const probe = await connectBus(`mqtt://127.0.0.1:${hub.port}`);
  await sleep(QUIET_MS);
  // What the broker itself does with such a burst is no cost of discovery.
  await measure(client, probe, 'elsewhere');
  const base = await measure(client, probe, 'elsewhere');
  const first = await measure(client, probe, 'homeassistant');
  const again = await measure(client, probe, 'homeassistant');
  const share = (again.cpuMs - base.cpuMs) / (first.cpuMs - base.cpuMs);
  const bars = [
    barOf('all known, ms', first.knownMs, MAX_KNOWN_MS),
    barOf('p99 of another client, ms', Math.max(first.p99Ms, again.p99Ms), MAX_P99_MS),
    barOf('the same burst again, of its CPU', share, MAX_AGAIN_SHARE),
  ];
  process.stdout.write(
    `CPU: ${first.cpuMs} ms, then ${again.cpuMs} ms; the broker alone ${base.cpuMs} ms, p99 ${base.p99Ms.toFixed(1)} ms\n`,
  );
  const results = [{ bench: 'discovery', bars }];
  process.stdout.write(`${barsTable(results)}\n`);
  process.exitCode = areBarsMet(results) ? 0 : 1;
  await Promise.all([client.close(), probe.close()]);
} finally {
  await hub.stop();
}

type Measured = { readonly knownMs: number; readonly p99Ms: number; readonly cpuMs: number };

async function measure(client: Bus, probe: Bus, prefix: string): Promise<Measured> {
  const [cpuBefore, delays] = [await readCpuMs(), [] as number[]];
  const subscription = await probe.subscribe('probe', {}, ({ payload }) => {
    delays.push(performance.now() - Number(Buffer.from(payload).toString()));
  });
  const pinging = setInterval(() => {
    const payload = Buffer.from(String(performance.now()));
    void probe.publish({ topicName: 'probe', payload });
  }, PROBE_EVERY_MS);
  const from = performance.now();
  for (let index = 0; index < CONFIGS; index += CONFIGS_AT_ONCE)
    await Promise.all(
      Array.from({ length: CONFIGS_AT_ONCE }, (_, more) => client.publish(configOf(prefix, index + more))),
    );
  if (prefix === 'homeassistant')
    while ((await countDevices()) < CONFIGS / CONFIGS_PER_DEVICE) await sleep(POLL_MS);
  const knownMs = performance.now() - from;
  await sleep(QUIET_MS);
  clearInterval(pinging);
  await subscription.unsubscribe();
  delays.sort((one, other) => one - other);
  return {
    knownMs,
    p99Ms: delays[Math.floor(delays.length * 0.99)] ?? Number.NaN,
    cpuMs: (await readCpuMs()) - cpuBefore,
  };
}

function configOf(
  prefix: string,
  index: number,
): { topicName: string; payload: Buffer; qos: 1; retain: true } {
  const device = `0x${String(Math.floor(index / CONFIGS_PER_DEVICE)).padStart(16, '0')}`;
  const config = {
    availability: [{ topic: 'zigbee2mqtt/bridge/state', value_template: '{{ value_json.state }}' }],
    device: { identifiers: [`zigbee2mqtt_${device}`], manufacturer: 'Acme', model: 'Sensor', name: device },
    object_id: `${device}_metric_${index}`,
    origin: { name: 'Zigbee2MQTT', sw: '2.1.0', url: 'https://www.zigbee2mqtt.io' },
    state_class: 'measurement',
    state_topic: `zigbee2mqtt/${device}`,
    unique_id: `${device}_metric_${index}_zigbee2mqtt`,
    unit_of_measurement: '°C',
    value_template: `{{ value_json.metric_${index % CONFIGS_PER_DEVICE} }}`,
  };
  const topicName = `${prefix}/sensor/${device}/metric_${index % CONFIGS_PER_DEVICE}/config`;
  return { topicName, payload: Buffer.from(JSON.stringify(config)), qos: 1, retain: true };
}

async function countDevices(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${hub.ports.http}/api/v1/devices?limit=1`);
  return ((await response.json()) as { total: number }).total;
}

async function readCpuMs(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${hub.ports.http}/metrics`);
  const line = /^process_cpu_seconds_total (\S+)$/m.exec(await response.text());
  return Math.round(Number(line?.[1]) * 1000);
}

function barOf(figure: string, value: number, most: number) {
  return { figure, met: value < most, measured: value.toFixed(2), wanted: `< ${most}` };
}
