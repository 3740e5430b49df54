import type { Device } from '../../src/client/index.ts';

/** What a filter line asks for, and the parts of it that nobody understands. */
export type DeviceFilterLine = {
  readonly fits: (device: Device, nowMs: number) => boolean;
  readonly notUnderstood: readonly string[];
  /** Of which the devices have to have their readings. */
  readonly metrics: readonly string[];
};

type Test = (device: Device, nowMs: number) => boolean;

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `status:offline gateway:mqtt tag:"ground floor" silent:>10m pump`: all of it must fit. */
export function readFilterLine(text: string): DeviceFilterLine {
  const tests: Test[] = [];
  const notUnderstood: string[] = [];
  const metrics = new Set<string>();
  for (const [part, key, quoted, plain] of text.matchAll(/(?:([\w.-]+):)?(?:"([^"]*)"?|(\S+))/g)) {
    const value = (quoted ?? plain ?? '').toLowerCase();
    const ofMetric = key === undefined || isKey(key) ? undefined : metricTest(key, value);
    if (key !== undefined && ofMetric !== undefined) metrics.add(key);
    const test =
      key === undefined
        ? wordTest(value)
        : (keyTest(key, value) ?? ofMetric ?? (isKey(key) ? undefined : wordTest(part.toLowerCase())));
    if (test === undefined) notUnderstood.push(part);
    else tests.push(test);
  }
  const fits = (device: Device, nowMs: number): boolean => tests.every((test) => test(device, nowMs));
  return { fits, notUnderstood, metrics: [...metrics].sort() };
}

function isKey(key: string): boolean {
  return ['status', 'gateway', 'tag', 'silent'].includes(key);
}

function keyTest(key: string, value: string): Test | undefined {
  switch (key) {
    case 'status':
      return value === 'online' || value === 'offline'
        ? ({ presence }) => presence.status === value
        : undefined;
    case 'gateway':
      return ({ gateway }) => gateway.toLowerCase().includes(value);
    case 'tag':
      return ({ tags = [] }) => tags.some((tag) => tag.toLowerCase() === value);
    case 'silent':
      return silentTest(value);
    default:
      return undefined;
  }
}

/** `>10m`: nothing was heard of it for so long; `<1h`: something was. */
function silentTest(value: string): Test | undefined {
  const [, sign, count, unit = ''] = /^([<>])(\d+(?:\.\d+)?)([smhd])$/.exec(value) ?? [];
  if (sign === undefined) return undefined;
  const limitMs = Number(count) * (UNITS[unit] ?? 0);
  return ({ presence }, nowMs) => {
    const silentMs = nowMs - Date.parse(presence.lastSeen);
    return sign === '>' ? silentMs > limitMs : silentMs < limitMs;
  };
}

/** `>30`, `<=-2.5`, `=eco`: the latest value that it reported. */
function metricTest(metric: string, value: string): Test | undefined {
  const [, sign = '', wanted = ''] = /^([<>]=?|=)(.+)$/.exec(value) ?? [];
  const limit = Number(wanted);
  if (sign === '' || (sign !== '=' && Number.isNaN(limit))) return undefined;
  return ({ readings = [] }) => {
    const told = readings.find((each) => each.metric === metric)?.value;
    if (sign === '=') return told !== undefined && String(told).toLowerCase() === wanted;
    if (typeof told !== 'number') return false;
    if (told === limit) return sign.endsWith('=');
    return sign.startsWith('>') ? told > limit : told < limit;
  };
}

function wordTest(word: string): Test {
  return ({ deviceId, title, model, tags = [] }) =>
    [deviceId, title ?? '', model ?? '', ...tags].some((text) => text.toLowerCase().includes(word));
}
