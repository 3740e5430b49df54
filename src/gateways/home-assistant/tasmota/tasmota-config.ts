import { isJsonObject, parseJsonObject, type JsonObject } from '../../../base/json.ts';
import type { JsonMembers } from '../template/python-value.ts';

/** What Tasmota's own discovery says of a device. */
export type TasmotaConfig = {
  readonly mac: string;
  /** As a config of Home Assistant would say it. */
  readonly device: JsonMembers;
  readonly version: string | undefined;
  readonly names: readonly (string | undefined)[];
  /** By relay: 1 switches something, 2 a light, 3 a shutter, which has two of them. */
  readonly relays: readonly number[];
  /** Of its light: 1 is dimmed, 2 has a colour temperature, 3 and more a colour, 5 both. */
  readonly channels: number;
  readonly isOn: string;
  readonly isOff: string;
  readonly isOnline: string;
  readonly isOffline: string;
  /** The begin of its topics: what is sent to it, what it answers, what it tells by itself. */
  readonly topics: { readonly command: string; readonly state: string; readonly telemetry: string };
};

const MAX_RELAYS = 32;
const MAC = /^[0-9A-F]{12}$/i;

/** @returns undefined for what is none */
export function readTasmotaConfig(payload: string): TasmotaConfig | undefined {
  const config = parseJsonObject(payload);
  const { mac, t: topic, ft: form, tp: prefixes } = config ?? {};
  if (config === undefined || typeof mac !== 'string' || !MAC.test(mac)) return undefined;
  if (typeof topic !== 'string' || typeof form !== 'string' || !isTexts(prefixes, 3)) return undefined;
  const [command, state, telemetry] = prefixes.map((prefix) =>
    fillTopic(form, { prefix, topic, hostname: textOr(config['hn'], ''), id: mac.slice(-6) }),
  );
  const states = isTexts(config['state'], 2) ? config['state'] : ['OFF', 'ON'];
  return {
    mac,
    device: deviceOf(config, mac),
    version: typeof config['sw'] === 'string' ? config['sw'] : undefined,
    names: listOf(config['fn']).map((name) => (typeof name === 'string' ? name : undefined)),
    relays: listOf(config['rl'])
      .slice(0, MAX_RELAYS)
      .map((relay) => (typeof relay === 'number' ? relay : 0)),
    channels: typeof config['lt_st'] === 'number' ? config['lt_st'] : 0,
    isOn: states[1]!,
    isOff: states[0]!,
    isOnline: textOr(config['onln'], 'Online'),
    isOffline: textOr(config['ofln'], 'Offline'),
    topics: { command: command!, state: state!, telemetry: telemetry! },
  };
}

function deviceOf(config: JsonObject, mac: string): JsonMembers {
  const pairs = mac.match(/../g)!.join(':').toLowerCase();
  return {
    identifiers: [mac],
    connections: [['mac', pairs]],
    name: textOr(config['dn'], mac),
    manufacturer: 'Tasmota',
    model: textOr(config['md'], ''),
  };
}

/** `%prefix%/%topic%/` with everything in its place. */
function fillTopic(form: string, values: Readonly<Record<string, string>>): string {
  const filled = form.replaceAll(/%(\w+)%/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? values[name]! : whole,
  );
  return filled.endsWith('/') ? filled : `${filled}/`;
}

function isTexts(value: unknown, least: number): value is string[] {
  return Array.isArray(value) && value.length >= least && value.every((item) => typeof item === 'string');
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

/** A sensor of a device: where in its telemetry it stands, and what it showed. */
type TasmotaSensor = {
  readonly path: readonly string[];
  readonly isNumber: boolean;
  readonly unit: string | undefined;
};

const MAX_SENSORS = 128;
const MAX_SENSOR_DEPTH = 4;
const UNITS: Readonly<Record<string, string>> = {
  Humidity: '%',
  Power: 'W',
  ApparentPower: 'VA',
  ReactivePower: 'var',
  Voltage: 'V',
  Current: 'A',
  Frequency: 'Hz',
  Total: 'kWh',
  Today: 'kWh',
  Yesterday: 'kWh',
  Illuminance: 'lx',
  CarbonDioxide: 'ppm',
  Distance: 'cm',
};

/** The sensors of `tasmota/discovery/{mac}/sensors`; undefined for what is none. */
export function readTasmotaSensors(payload: string): readonly TasmotaSensor[] | undefined {
  const telemetry = parseJsonObject(payload)?.['sn'];
  if (!isJsonObject(telemetry)) return undefined;
  // A sensor may be called like a member that all objects have.
  const units = new Map([
    ...Object.entries(UNITS),
    ['Temperature', `°${textOr(telemetry['TempUnit'], 'C')}`],
    ['DewPoint', `°${textOr(telemetry['TempUnit'], 'C')}`],
    ['Pressure', textOr(telemetry['PressureUnit'], 'hPa')],
  ]);
  const sensors: TasmotaSensor[] = [];
  const visit = (value: unknown, path: readonly string[]): void => {
    if (isJsonObject(value) && path.length < MAX_SENSOR_DEPTH)
      for (const [name, member] of Object.entries(value)) visit(member, [...path, name]);
    // What stands alone at the top is the time, and the names of units.
    else if (
      path.length > 1 &&
      sensors.length < MAX_SENSORS &&
      (typeof value === 'number' || typeof value === 'string')
    )
      sensors.push({ path, isNumber: typeof value === 'number', unit: units.get(path.at(-1)!) });
  };
  visit(telemetry, []);
  return sensors;
}
