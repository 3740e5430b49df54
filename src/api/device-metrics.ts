import type { Device } from '../devices/device.ts';
import { MAX_TURN_CHARACTERS } from './send-in-turns.ts';

export const DEVICE_METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const MAX_TURN_READINGS = 2048;

type Wanted = {
  readonly devices: () => Iterable<Device>;
  /** Readings that are older are nobody's value any more. Wall time, ms. */
  readonly since: number;
};

/**
 * The latest numbers of devices, in the text format of Prometheus, as texts for one turn each. All samples of one
 * metric stand together, as the format has it; so devices are walked through once for each.
 */
export function* writeMetrics({ devices, since }: Wanted): Generator<string> {
  let text = head('recado_device_online', 'Whether a device is online');
  let looked = 0;
  for (const { id, gateway, presence } of devices()) {
    const labels = `device="${escapeLabel(id)}",gateway="${escapeLabel(gateway)}"`;
    text += `recado_device_online{${labels}} ${presence.status === 'online' ? 1 : 0}\n`;
    if (text.length < MAX_TURN_CHARACTERS && ++looked < MAX_TURN_READINGS) continue;
    yield text;
    text = '';
    looked = 0;
  }
  text += head(
    'recado_device_reading',
    'The latest value of a metric of a device; true and false as 1 and 0',
  );
  for (const { id, telemetry } of devices()) {
    const device = escapeLabel(id);
    const latest = telemetry.latest();
    for (const { metric, value, unit, time } of latest) {
      if (typeof value === 'string' || time < since) continue;
      const of = unit === undefined ? '' : `,unit="${escapeLabel(unit)}"`;
      text += `recado_device_reading{device="${device}",metric="${escapeLabel(metric)}"${of}} ${Number(value)}\n`;
    }
    looked += latest.length + 1;
    if (text.length < MAX_TURN_CHARACTERS && looked < MAX_TURN_READINGS) continue;
    yield text;
    text = '';
    looked = 0;
  }
  if (text !== '') yield text;
}

function head(name: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`;
}

const TO_ESCAPE = /[\\"\n]/;

function escapeLabel(text: string): string {
  if (!TO_ESCAPE.test(text)) return text;
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
