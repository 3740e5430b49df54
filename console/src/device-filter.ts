import type { Device } from '../../src/client/index.ts';

/** What a filter line asks for, and the parts of it that nobody understands. */
export type DeviceFilterLine = {
  readonly fits: (device: Device, nowMs: number) => boolean;
  readonly notUnderstood: readonly string[];
};

type Test = (device: Device, nowMs: number) => boolean;

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `status:offline gateway:mqtt tag:"ground floor" silent:>10m pump`: all of it must fit. */
export function readFilterLine(text: string): DeviceFilterLine {
  const tests: Test[] = [];
  const notUnderstood: string[] = [];
  for (const [part, key, quoted, plain] of text.matchAll(/(?:(\w+):)?(?:"([^"]*)"?|(\S+))/g)) {
    const value = (quoted ?? plain ?? '').toLowerCase();
    const test =
      key === undefined
        ? wordTest(value)
        : (keyTest(key, value) ?? (isKey(key) ? undefined : wordTest(part.toLowerCase())));
    if (test === undefined) notUnderstood.push(part);
    else tests.push(test);
  }
  return { fits: (device, nowMs) => tests.every((test) => test(device, nowMs)), notUnderstood };
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

function wordTest(word: string): Test {
  return ({ deviceId, title, model, tags = [] }) =>
    [deviceId, title ?? '', model ?? '', ...tags].some((text) => text.toLowerCase().includes(word));
}
